"""The other devices of a training: processes that take each step with it, each on its part of the batch.

This one decides and tells them over a socket pair each; they validate nothing and write nothing. They are kept for the
next training, since a process imports torch for seconds, until something fails in one of them: then all are ended, and
the next training starts others.
"""

import io
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, NamedTuple, Self, cast

import torch

from ...common.children import ENDING, held_back, start_python
from ...common.faults import ReplicaError
from ...errors import TrainingError
from ..config import TrialConfig
from ..machine.device_group import DeviceGroup
from ..machine.memory import is_out_of_memory
from .wanted_metrics import FitOn

_LAST_WORD_S = 10.0
"""From a step that failed here to what another process says of it: its traceback, or its end."""


class Join(NamedTuple):
    """Join the others in a folder, as `rank` of `size`, with a device as torch names it."""

    folder: Path
    rank: int
    size: int
    device: str


class Begin(NamedTuple):
    """Begin a training from a learner's state, as `packed` packs it; `micro_batch` is the most images of a pass.

    `fold` is the one that is validated on, 0 for none.
    """

    config: TrialConfig
    pack: Path
    fit_on: FitOn
    fold: int
    micro_batch: int | None
    state: bytes


class BeginEpoch(NamedTuple):
    """Begin epoch `number` (from 1)."""

    number: int


class Step(NamedTuple):
    """Take the next step, at this learning rate."""

    lr: float


class EndEpoch(NamedTuple):
    """Add up the sums of the epoch."""


Order = Join | Begin | BeginEpoch | Step | EndEpoch


class Ready(NamedTuple):
    """A process has imported what it needs, and joins the others."""


class Failure(NamedTuple):
    """What a process failed with, in a line."""

    words: str
    out_of_memory: bool


def packed(state: dict[str, Any]) -> bytes:
    """Return the state of a learner as bytes; `unpacked` gives it back."""
    buffer = io.BytesIO()
    torch.save(state, buffer)
    return buffer.getvalue()


def unpacked(state: bytes) -> dict[str, Any]:
    """Return the state that was packed."""
    loaded: dict[str, Any] = torch.load(io.BytesIO(state), map_location="cpu", weights_only=True)
    return loaded


@dataclass
class Replicas:
    """The processes of the other devices, as a context manager; none are started before a training asks for them."""

    _processes: "list[subprocess.Popen[bytes]]" = field(default_factory=list)
    _connections: list[Connection] = field(default_factory=list)
    _group: DeviceGroup = field(default_factory=DeviceGroup)
    _threads: int = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def pids(self) -> list[int]:
        """The processes, by rank."""
        return [process.pid for process in self._processes]

    def begin(self, training: Begin, device: torch.device) -> DeviceGroup:
        """Have as many processes as `training` needs begin it; return the group that this one is in.

        They wait until its learner shares its steps.

        Raises:
            TrainingError: there are not as many cards.
            ReplicaError: a process could not begin.
        """
        size = training.config.devices
        _check_cards(device, size)
        if self._group.size != size:
            self.close()
            self._start(size, device)
        self._send(training)
        return self._group

    def begin_epoch(self, number: int) -> None:
        """Have all begin an epoch."""
        self._send(BeginEpoch(number))

    @contextmanager
    def step(self, lr: float) -> Iterator[None]:
        """Have all take a step at this learning rate while this process does.

        Raises:
            ReplicaError: another process has failed, or is gone.
            torch.OutOfMemoryError: it ran out of memory.
        """
        self._send(Step(lr))
        with self.explained():
            yield

    @contextmanager
    def end_epoch(self) -> Iterator[None]:
        """Have all add up their sums while this process does."""
        self._send(EndEpoch())
        with self.explained():
            yield

    def close(self) -> None:
        """End all processes."""
        for process in self._processes:
            process.kill()
        for process in self._processes:
            process.wait()
        for connection in self._connections:
            connection.close()
        self._processes, self._connections = [], []
        self._group.leave()
        self._group = DeviceGroup()
        if self._threads:
            torch.set_num_threads(self._threads)
            self._threads = 0

    def _start(self, size: int, device: torch.device) -> None:
        """Start the other processes; each has its share of this one's CPU threads."""
        self._threads = torch.get_num_threads()
        threads = max(1, self._threads // size)
        torch.set_num_threads(threads)
        variables = {**os.environ, "OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads)}
        folder = Path(tempfile.mkdtemp(prefix="hpo-devices-"))
        try:
            for rank in range(1, size):
                ours, theirs = Pipe()
                with held_back(*ENDING):  # see replica.py: until it ignores them
                    process = start_python(
                        "hpo.training.loop.replica",
                        str(theirs.fileno()),
                        environment=variables,
                        stdin=subprocess.DEVNULL,
                        pass_fds=[theirs.fileno()],
                        start_new_session=True,
                    )
                theirs.close()
                self._processes.append(process)
                self._connections.append(ours)
                ours.send(Join(folder, rank, size, _name(device, rank)))
            for rank in range(1, size):
                if (failure := self._last_word(rank)) is not None:
                    raise failure
            self._group = DeviceGroup.join(folder, 0, size, device)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _send(self, order: Order) -> None:
        """Give an order to all others.

        Raises:
            ReplicaError: one has failed, or is gone.
        """
        if any(connection.poll() for connection in self._connections):
            raise self._failure(0.0) or ReplicaError("another device of the training has failed")
        for connection in self._connections:
            with suppress(OSError):  # it is gone: the next step finds out
                connection.send(order)

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Replace an error of a step by that of the process which caused it: the others only see that it is gone."""
        try:
            yield
        except Exception as error:
            if self._processes and not is_out_of_memory(error) and (cause := self._failure(_LAST_WORD_S)):
                raise cause from error
            raise

    def _failure(self, within_s: float) -> Exception | None:
        """What another process has failed with; None where none says anything within a time."""
        for connection in wait(self._connections, within_s):
            if (failure := self._last_word(1 + self._connections.index(cast(Connection, connection)))) is not None:
                return failure
        return None

    def _last_word(self, rank: int) -> Exception | None:
        """Wait for a word of a process; return what it has failed with, None where it is ready."""
        try:
            word: Ready | Failure = self._connections[rank - 1].recv()
        except (EOFError, OSError):
            code = self._processes[rank - 1].wait()
            return ReplicaError(f"the process of device {rank} of the training ended with code {code}")
        if isinstance(word, Ready):
            return None
        words = f"device {rank} of the training: {word.words}"
        return torch.OutOfMemoryError(words) if word.out_of_memory else ReplicaError(words)


def _name(device: torch.device, rank: int) -> str:
    """The device of a rank, as torch names it: the cards after the first one's."""
    return f"cuda:{(device.index or 0) + rank}" if device.type == "cuda" else "cpu"


def _check_cards(device: torch.device, size: int) -> None:
    if device.type == "cuda" and (cards := torch.cuda.device_count() - (device.index or 0)) < size:
        raise TrainingError(f"devices: {size} are to share a batch, and torch sees {cards} from {device} on")
