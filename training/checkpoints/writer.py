"""Writing of checkpoints in a background thread.

Training never waits for a disk.
"""

from collections.abc import Callable
from pathlib import Path
from threading import Condition, Thread
from types import TracebackType
from typing import NamedTuple, Self

from .checkpoint import State, save_pair

MakeState = Callable[[], State]


class _Job(NamedTuple):
    """A pair to write."""

    last: MakeState
    best: MakeState | None


class CheckpointWriter:
    """A thread that saves the newest pair; older ones are skipped.

    Pairs that come faster than the disk takes them are not queued, which would pile up copies of the model.

    Used as a context manager; leaving it waits until the newest is on disk. A failure to write is raised by the next
    call, at the latest on leaving.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._changed = Condition()
        self._pending: _Job | None = None
        self._writing = False
        self._closed = False
        self._failure: Exception | None = None
        # A daemon: a process that ends at once does not wait for a slow disk; files are whole without it, see
        # write_atomic.
        self._thread = Thread(target=self._work, name=f"checkpoints of {directory.name}", daemon=True)
        self._thread.start()

    def submit(self, last: MakeState, best: MakeState | None) -> None:
        """Submit a pair to be saved soon, unless a newer one comes.

        The states are made by the writing thread.

        Raises:
            MachineError: an earlier pair could not be written.
        """
        with self._changed:
            self._raise_failure()
            if best is None and self._pending is not None:
                best = self._pending.best  # the skipped pair's best is still the best
            self._pending = _Job(last, best)
            self._changed.notify_all()

    def flush(self) -> None:
        """Wait until everything submitted is on disk.

        Raises:
            MachineError: it could not be written.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._pending is None and not self._writing)
            self._raise_failure()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._thread.join()
        if kind is None or kind is GeneratorExit:  # any other error is the one to show
            self._raise_failure()

    def _work(self) -> None:
        while (job := self._take()) is not None:
            failure: Exception | None = None
            try:
                save_pair(self._directory, job.last(), None if job.best is None else job.best())
            except Exception as error:  # raised again in the thread that trains
                failure = error
            with self._changed:
                self._writing = False
                self._failure = failure or self._failure
                self._changed.notify_all()

    def _take(self) -> _Job | None:
        """The pair to write next; None once closed with nothing left."""
        with self._changed:
            self._changed.wait_for(lambda: self._pending is not None or self._closed)
            job, self._pending = self._pending, None
            self._writing = job is not None
            return job

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure
