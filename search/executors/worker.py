"""The worker process: serves jobs until the coordinator hangs up.

Reports are posted; the worker never waits for an answer, and looks for a signal at each batch boundary.
"""

import contextlib
import os
import select
import sys
import time
import traceback
from collections.abc import Sequence
from functools import partial
from multiprocessing.connection import Connection

from ...common.children import die_with_parent, ignore_ending
from ...training.report import Activity, EpochReport, Signal
from .background import in_foreground
from .base import Job, Lost, Resumed, event_of, needs_new_worker
from .worker_process import DEVICE_VARIABLE, Ready, Taken

_TURN_S = 2e-4  # of Python's threads, see main
_TELL_S = 0.5  # between two activities within an epoch: they cost a core less than 1 ms each, all in all


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
        """Wait for a job."""
        # a signal that came too late for its trial is dropped
        while not isinstance(message := self._connection.recv(), Job):
            pass
        return message

    def post(self, message: object) -> None:
        """Send `message` to the coordinator."""
        self._connection.send(message)
        self._posted = time.monotonic()

    def tell(self, activity: Activity) -> None:
        """Send the activity; within an epoch at most every _TELL_S."""
        if not activity.total or time.monotonic() - self._posted >= _TELL_S:
            self.post(activity)


def serve(mailbox: Mailbox, device: str) -> None:
    """Run job after job, until an error that is not the user's.

    Raises:
        EOFError, BrokenPipeError, ConnectionResetError: the coordinator is gone.
    """
    from ...training.loop.replicas import Replicas
    from ...training.train import train

    mailbox.post(Ready())
    with Replicas() as replicas:
        while True:
            job = mailbox.next_job()
            mailbox.post(Taken())
            try:
                run = train(
                    job.config,
                    pack=job.pack,
                    directory=job.directory,
                    device=device,
                    alone=job.alone,
                    timeout_s=job.timeout_s,
                    signal=mailbox.signal,
                    tell=mailbox.tell,
                    resumed=partial(_post_history, mailbox, job),
                    replicas=replicas,
                )
                for item in run:
                    mailbox.post(item)
            except (EOFError, BrokenPipeError, ConnectionResetError):
                raise
            except Exception as error:
                event = event_of(job, error)
                if isinstance(event, Lost):
                    traceback.print_exc()  # to the log of this worker, which is killed as soon as its event is read
                mailbox.post(event)
                if needs_new_worker(event):
                    return


def _post_history(mailbox: Mailbox, job: Job, history: Sequence[EpochReport]) -> None:
    mailbox.post(Resumed(job.number, job.generation, tuple(history)))


def main(descriptor: int) -> None:
    """Serve jobs over the socket `descriptor`."""
    die_with_parent()  # else it would find out at the end of a batch only, and hold its GPU memory till then
    in_foreground()  # a worker that takes a lost one's place was started by a coordinator in the background
    ignore_ending()
    # the thread that writes checkpoints pickles while the training goes on: of Python's usual turn of 5 ms, every
    # report would wait for one
    sys.setswitchinterval(_TURN_S)
    with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError):
        serve(Mailbox(Connection(descriptor)), os.environ[DEVICE_VARIABLE])


if __name__ == "__main__":
    main(int(sys.argv[1]))
