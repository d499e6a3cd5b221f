"""The coordinator's end of a worker process: starting it, talking to it, telling why it died.

The two talk over one socket pair. Down go jobs and signals, up go epoch reports and results, each as it is: the
classes of training/report.py. What runs inside is worker.py.
"""

import contextlib
import os
import signal
import subprocess
from dataclasses import dataclass
from multiprocessing import Pipe
from pathlib import Path

from ...common.children import ENDING, held_back, start_python
from ...common.private import no_link
from ...training.report import Signal
from .base import Job

DEVICE_VARIABLE = "HPO_WORKER_DEVICE"
EXIT_S = 10.0  # between closing its connection and being gone


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a worker runs: `device` as torch names it, `threads` for its CPU work, `gpu` the card it may see."""

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


class WorkerProcess:
    """The coordinator's handle of one worker process. `ready` once it has said so."""

    def __init__(self, placement: Placement, log: Path) -> None:
        self.connection, theirs = Pipe()
        self.ready = False
        self._log = log
        # note: a worker that is still importing torch must not be ended by what it will ignore
        with open(log, "ab", opener=no_link) as output, held_back(*ENDING):
            self._process = start_python(
                "hpo.search.executors.worker",
                str(theirs.fileno()),
                environment={**os.environ, **placement.environment()},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                pass_fds=[theirs.fileno()],
                start_new_session=True,  # Ctrl-C at the terminal is for the coordinator alone
            )
        theirs.close()

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def send(self, message: Job | Signal) -> None:
        """Post a job or a signal; a dead worker is found when its connection is read."""
        with contextlib.suppress(OSError):
            self.connection.send(message)

    def kill(self) -> None:
        """End the process at once."""
        self._process.kill()
        self._process.wait()
        self.connection.close()

    def reap(self) -> str:
        """Why the process died, in words. Its connection is closed, so it is dead or about to be."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(EXIT_S)
        self.kill()
        code = self._process.returncode
        how = f"killed by {signal.Signals(-code).name}" if code < 0 else f"exited with code {code}"
        lines = self._log.read_text(errors="replace").strip().splitlines()
        return how if code < 0 or not lines else f"{how}: {lines[-1][:200]}"
