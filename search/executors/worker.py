"""What runs inside a worker process: jobs until the coordinator hangs up.

Reports are posted; the worker never waits for an answer, and looks for a signal at each batch boundary.
"""

import contextlib
import ctypes
import os
import select
import signal
import sys
import time
import traceback
from multiprocessing.connection import Connection

from ...common.children import ENDING
from ...training.report import Activity, Signal
from .background import in_foreground
from .base import Job, Lost, event_of
from .worker_process import DEVICE_VARIABLE, Ready

_TURN_S = 2e-4
_TELL_S = 0.5  # between two words on how far an epoch is: they cost a core less than 1 ms each, all in all


class Mailbox:
    """The worker's end of the socket pair."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._posted = time.monotonic()
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
        self._posted = time.monotonic()

    def tell(self, activity: Activity) -> None:
        """Send what the run is busy with; within an epoch only where nothing was sent for a while."""
        if not activity.total or time.monotonic() - self._posted >= _TELL_S:
            self.post(activity)


def serve(mailbox: Mailbox, device: str) -> None:
    """Run job after job, until an error after which this process is of no use.

    Raises:
        EOFError, BrokenPipeError, ConnectionResetError: the coordinator is gone.
    """
    from ...training.train import train

    mailbox.post(Ready())
    while True:
        job = mailbox.next_job()
        try:
            run = train(
                job.config,
                pack=job.pack,
                directory=job.directory,
                device=device,
                signal=mailbox.signal,
                tell=mailbox.tell,
            )
            for item in run:
                mailbox.post(item)
        except (EOFError, BrokenPipeError, ConnectionResetError):
            raise
        except Exception as error:
            event = event_of(job.number, error)
            if isinstance(event, Lost):
                traceback.print_exc()  # to the log of this worker, which is killed as soon as it is heard
            mailbox.post(event)
            if isinstance(event, Lost):
                return


def main(descriptor: int) -> None:
    """Entry point of the worker process; `descriptor` is its end of the socket pair."""
    _die_with_parent()
    in_foreground()  # a worker that takes a lost one's place was started by a coordinator in the background
    _leave_the_end_to_the_coordinator()
    # the thread that writes checkpoints pickles while the training goes on: of Python's usual turn of 5 ms, every
    # report would wait for one
    sys.setswitchinterval(_TURN_S)
    with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError):
        serve(Mailbox(Connection(descriptor)), os.environ[DEVICE_VARIABLE])


def _leave_the_end_to_the_coordinator() -> None:
    """Ignore what asks a program to end: sent to all processes of a service or a job, it reaches the coordinator, too.

    That one pauses the trial, or ends this process. Until here it was held back, see WorkerProcess.
    """
    for number in ENDING:
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)


def _die_with_parent() -> None:
    """Have the kernel end this process when the coordinator dies, even in the middle of a long batch (Linux)."""
    if sys.platform == "linux":
        pr_set_pdeathsig = 1
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)


if __name__ == "__main__":
    main(int(sys.argv[1]))
