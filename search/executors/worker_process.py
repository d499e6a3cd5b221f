"""The coordinator's handle of a worker process.

The two talk over one socket pair. Down go jobs and signals, up go epoch reports and results, each as it is: the
classes of training/report.py. What runs inside is worker.py.
"""

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing import Pipe
from pathlib import Path

from ...common.children import ENDING, held_back, start_python
from ...common.private import no_link
from ...training.report import Signal
from .base import Fault, Job
from .kernel import oom_kills

DEVICE_VARIABLE = "HPO_WORKER_DEVICE"
# from closing its connection to being gone, and from SIGKILL to being gone: a process that waits for a disk which does
# not answer dies only when that does, and nobody waits for it for ever
EXIT_S = 10.0


@dataclass(frozen=True, slots=True)
class Placement:
    """The device, CPU threads and visible GPUs of a worker.

    `device` is as torch names it; `gpu` an index or identifier for CUDA_VISIBLE_DEVICES, or several with commas between
    where a trial trains on more than one.
    """

    device: str = "cpu"
    threads: int = 1
    gpu: str | None = None

    def environment(self) -> dict[str, str]:
        """The variables that must be set before torch is imported."""
        threads = str(self.threads)
        pinned = {"OMP_NUM_THREADS": threads, "MKL_NUM_THREADS": threads, DEVICE_VARIABLE: self.device}
        return pinned if self.gpu is None else {**pinned, "CUDA_VISIBLE_DEVICES": self.gpu}


@dataclass(frozen=True, slots=True)
class Ready:
    """The worker has imported what it needs and waits for jobs."""


@dataclass(frozen=True, slots=True)
class Taken:
    """The worker has taken the job: what happens from here on may be the job's fault."""


class WorkerProcess:
    """A worker process, `ready` once it has said so."""

    def __init__(self, placement: Placement, log: Path) -> None:
        self.connection, worker_end = Pipe()
        self.ready = False
        self._log = log
        self._killed = False
        self._oom_kills = oom_kills()
        # appended: a worker that takes a lost one's place must not wipe out the reason in its log
        # note: a worker that is still importing torch must not be ended by what it will ignore
        with open(log, "ab", opener=no_link) as output, held_back(*ENDING):
            self._process = start_python(
                "hpo.search.executors.worker",
                str(worker_end.fileno()),
                environment={**os.environ, **placement.environment()},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                pass_fds=[worker_end.fileno()],
                start_new_session=True,  # Ctrl-C at the terminal is for the coordinator alone
            )
        worker_end.close()  # held open here, it would hide the worker's death: no end of file would come

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def send(self, message: Job | Signal) -> None:
        """Post a job or a signal."""
        with contextlib.suppress(OSError):  # a dead worker is found when its connection is read
            self.connection.send(message)

    def messages(self) -> Iterator[object]:
        """What the worker has said by now.

        Raises:
            EOFError, OSError: its connection has an end.
        """
        while self.connection.poll():
            yield self.connection.recv()

    def kill(self) -> None:
        """Send SIGKILL and wait for the end; what the worker has said can still be received."""
        self._killed = True
        self._process.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(EXIT_S)

    def end(self) -> None:
        """Kill the process and close its connection."""
        self.kill()
        self.connection.close()

    def reap(self) -> tuple[str, Fault]:
        """Wait for the end of the process; return why it died, and by whose fault."""
        # its connection is closed, so it is dead or about to be
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(EXIT_S)
        code = None if self._killed else self._process.returncode
        self.end()
        if code is None:
            return "it did not answer and was killed", Fault.MACHINE
        if code == -signal.SIGKILL:
            return self._why_killed(), Fault.MEMORY
        lines = self._log.read_text(errors="replace").strip().splitlines()
        how = f"killed by {signal.Signals(-code).name}" if code < 0 else f"exited with code {code}"
        if code == -signal.SIGBUS:  # of a memory map whose file is shorter now, or whose disk does not give it
            return f"{how}: the data cannot be read any more", Fault.MACHINE
        # a traceback ends with its error
        return how if code < 0 or not lines else f"{how}: {lines[-1][:200]}", Fault.TRIAL

    def _why_killed(self) -> str:
        now = oom_kills()
        by_kernel = now is not None and self._oom_kills is not None and now > self._oom_kills
        return "killed by the kernel, which ran out of memory" if by_kernel else "killed by SIGKILL"
