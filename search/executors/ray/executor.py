"""The executor whose workers are in the places of a Ray cluster.

Its slots are these places, which come and go with the nodes. A job whose place is gone is Lost by the fault of its
node: it goes on elsewhere from its shared checkpoint, under another claim, so that what a trainer on a node that was
cut off still says or writes is nobody's. Where Ray's driver ends, as it does when the head is gone, so do all places,
and others are started until one reaches the cluster again.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path

from ....common.atomic import write_atomic
from ....errors import TrainingError
from ....training.report import Signal
from ..base import Event, Fault, Job, Shared
from ..registry import EXECUTORS
from ..slots import Slot, SlotExecutor, Worker
from .cluster import Connected, Note, Opened, Refused, Serve
from .driver_process import DriverProcess
from .messages import End, Files, Gone, Leaving, Order, PlaceGone, Start, Unfetched, Wish, Work, to_bytes
from .node_check import NodeRequest
from .node_worker import RECORDS, SHARED_WITHIN_S

HURRY_S = 20.0
"""How long the last checkpoint of a trial that was asked to leave may take to arrive: somebody waits for it."""
REST_S = 5.0
"""How long after the end of a driver another one is started, which takes a core for some seconds."""


class ClusterAwayError(TrainingError):
    """The end of a search whose cluster does not answer."""

    exit_code = 1


class PlaceSocket:
    """The coordinator's end of a place on `node`; `run` counts the workers in it."""

    def __init__(self, connection: Connection, node: str) -> None:
        self.connection, self.node = connection, node
        self.run = 0

    def post(self, order: Order) -> None:
        """Send an order; a place that is gone is found when it is read."""
        with suppress(OSError):
            self.connection.send_bytes(to_bytes(order))

    def receive(self) -> tuple[int, object]:
        """The next message, with the run that it is of."""
        try:
            run, message = self.connection.recv()
        except (EOFError, OSError):
            return 0, PlaceGone(f"its node {self.node} is gone: Ray's driver has ended")
        return run, message


class RayWorker(Worker):
    """A worker process in a place, as SlotExecutor knows it."""

    def __init__(self, place: PlaceSocket) -> None:
        place.run += 1
        self.connection, self.ready = place.connection, False
        self.place, self._run = place, place.run
        self._why = "it did not answer and was given up", Fault.MACHINE
        place.post(Start(self._run))

    def send(self, message: Job | Signal) -> None:
        """Post a job or a signal."""
        self.place.post(Work(self._run, message) if isinstance(message, Job) else Wish(self._run, message))

    def messages(self) -> Iterator[object]:
        """What it has said by now.

        Raises:
            EOFError: nothing more can come.
        """
        while self.connection.poll():
            match self.place.receive():
                case _, PlaceGone(reason):
                    self._why = reason, Fault.NODE
                    self.connection.close()
                    raise EOFError(reason)
                case run, Gone(reason, fault) if run == self._run:
                    self._why = reason, fault
                    raise EOFError(reason)
                case run, message if run == self._run:  # else of a worker before this one
                    yield message

    def kill(self) -> None:
        """Have it killed; nobody waits for that."""
        self.place.post(End(self._run))

    end = kill

    def reap(self) -> tuple[str, Fault]:
        """Return why it died, and by whose fault."""
        self.kill()
        return self._why


class RayExecutor(SlotExecutor):
    """Runs one job in each place that `driver` has.

    `restart` starts another driver, `request` and `serve` are what each is asked for. `note` takes lines for the user.
    A cluster that does not answer for `patience_s` seconds ends the search.
    """

    def __init__(
        self,
        driver: DriverProcess,
        restart: Callable[[], DriverProcess],
        request: NodeRequest,
        serve: Serve,
        note: Callable[[str], None],
        patience_s: float,
    ) -> None:
        super().__init__([])
        self._driver, self._restart, self._request, self._serve = driver, restart, request, serve
        self._note, self._patience_s = note, patience_s
        self._away_since: float | None = None
        self._restart_at: float | None = None
        self._problem = "it has ended"
        driver.send(serve)

    @property
    def driver_pid(self) -> int:
        """The process that talks to Ray."""
        return self._driver.pid

    def next_events(self, timeout_s: float | None = None) -> list[Event]:
        """Wait for workers to say something, while places come and go."""
        self._attend()
        if not any(slot.job for slot in self._slots):
            super()._wait(time.monotonic())  # an idle worker's place may be gone
        return super().next_events(timeout_s)

    def close(self) -> None:
        """End every worker, and the driver."""
        super().close()
        self._slots.clear()
        self._driver.end()

    def _wait(self, until: float) -> None:
        super()._wait(until)
        self._attend()

    def _attend(self) -> None:
        """Follow the driver."""
        if self._restart_at is not None:
            self._try_again(self._restart_at)
            return
        try:
            while self._driver.control.poll():
                self._follow(self._driver.control.recv())
        except (EOFError, OSError):
            self._lose_driver()

    def _follow(self, message: object) -> None:
        match message:
            case Opened(node, card):
                self._open(PlaceSocket(self._driver.socket(), node), card)
            case Note(words):
                self._note(words)
            case Refused(words, _):
                self._problem = words.splitlines()[0]
            case Connected():
                self._driver.send(self._request)
            case dict():  # the nodes were checked again
                self._note("the Ray cluster answers again")
                self._away_since = None
                self._driver.send(self._serve)

    def _open(self, place: PlaceSocket, card: str | None) -> None:
        slot = Slot(partial(RayWorker, place), card, f"worker.log on {place.node}")
        slot.worker = slot.start()
        self._slots.append(slot)
        self.slots += 1

    def _lose_driver(self) -> None:
        self._driver.end()
        now = time.monotonic()
        if self._away_since is None:
            self._away_since = now
            self._note("the Ray cluster does not answer; its trials wait for it")
        self._restart_at = now + REST_S
        if now - self._away_since > self._patience_s:
            raise ClusterAwayError(
                f"the Ray cluster has not answered for {self._patience_s:.0f} s: {self._problem}\n"
                "  what was running waits; the same command goes on"
            )

    def _try_again(self, at: float) -> None:
        if time.monotonic() >= at:
            self._driver, self._restart_at = self._restart(), None

    def _take(self, slot: Slot, worker: Worker, message: object) -> None:
        match message:
            case Shared():
                self._events.append(message)
            case Files(files) if slot.job is not None:
                _write(files, slot.job.directory)
            case Unfetched(number, reason):
                self._note(f"trial {number}: its checkpoint cannot be fetched, {reason}")
            case Leaving():
                is_asked = slot.deadline != float("inf")
                slot.deadline = time.monotonic() + (HURRY_S if is_asked else SHARED_WITHIN_S)
            case _:
                super()._take(slot, worker, message)

    def _bury(self, slot: Slot, worker: Worker) -> None:
        super()._bury(slot, worker)
        if worker.connection.closed:
            self._slots.remove(slot)
            self.slots -= 1


def _write(files: Mapping[str, bytes], directory: Path) -> None:
    """Write what a node has sent of a trial, as a worker here would have."""
    with suppress(OSError):  # of a disk that is full: nothing that counts is in them
        directory.mkdir(parents=True, exist_ok=True)
        for name in RECORDS & files.keys():
            write_atomic(directory / name, files[name])


EXECUTORS.add("ray", RayExecutor)
