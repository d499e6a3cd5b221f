"""What runs inside a worker process: jobs until the coordinator hangs up.

Reports are posted; the worker never waits for an answer, and looks for a signal at each batch boundary.
"""

import contextlib
import ctypes
import os
import select
import signal
import sys
from multiprocessing.connection import Connection

from ...training.report import Signal
from ..background import in_foreground
from .base import Job, crash
from .worker_process import DEVICE_VARIABLE, Ready

_TURN_S = 2e-4


class Mailbox:
    """The worker's end of the socket pair."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._poller = select.poll()  # one system call a batch; Connection.poll builds a selector each time
        self._poller.register(connection.fileno(), select.POLLIN)

    def signal(self) -> Signal:
        """The newest signal, CONTINUE where none has come.

        Raises:
            EOFError: the coordinator is gone.
        """
        latest = Signal.CONTINUE
        while self._poller.poll(0):
            message = self._connection.recv()
            if isinstance(message, Signal):
                latest = message
        return latest

    def next_job(self) -> Job:
        """Wait for a job. A signal that came too late for its trial is dropped."""
        while not isinstance(message := self._connection.recv(), Job):
            pass
        return message

    def post(self, message: object) -> None:
        """Send upwards."""
        self._connection.send(message)


def serve(mailbox: Mailbox, device: str) -> None:
    """Run job after job. Returns only by the EOFError or BrokenPipeError of a coordinator that is gone."""
    from ...training.train import train

    mailbox.post(Ready())
    while True:
        job = mailbox.next_job()
        try:
            run = train(job.config, pack=job.pack, directory=job.directory, device=device, signal=mailbox.signal)
            for item in run:
                mailbox.post(item)
        except (EOFError, BrokenPipeError, ConnectionResetError):
            raise
        except Exception as error:
            mailbox.post(crash(job.number, error))


def main(descriptor: int) -> None:
    """Entry point of the worker process; `descriptor` is its end of the socket pair."""
    _die_with_parent()
    in_foreground()  # a worker that takes a lost one's place was started by a coordinator in the background
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # the thread that writes checkpoints pickles while the training goes on: of Python's usual turn of 5 ms, every
    # report would wait for one
    sys.setswitchinterval(_TURN_S)
    with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError):
        serve(Mailbox(Connection(descriptor)), os.environ[DEVICE_VARIABLE])


def _die_with_parent() -> None:
    """Have the kernel end this process when the coordinator dies, even in the middle of a long batch (Linux)."""
    if sys.platform == "linux":
        pr_set_pdeathsig = 1
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)


if __name__ == "__main__":
    main(int(sys.argv[1]))
