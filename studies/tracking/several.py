"""Trackers that hold up nobody: several told as one, and one that works in a thread of its own."""

import time
from collections.abc import Callable, Mapping
from queue import SimpleQueue
from threading import Thread
from types import TracebackType

from .events import Event
from .shipper import first_line
from .tracker import NullTracker, Tracker


class Guard:
    """A context that lets no error of `name` out, and says the first."""

    def __init__(self, name: str, warn: Callable[[str], None]) -> None:
        self._name, self._warn, self._is_told = name, warn, False

    def __enter__(self) -> None:
        """Begin a call of the tracker."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        """Say the error, unless one was said before."""
        if isinstance(error, Exception) and not self._is_told:
            self._is_told = True
            self._warn(f"{self._name}: {first_line(error)}; what it misses is lost, all else goes on")
        return isinstance(error, Exception)


class SeveralTrackers:
    """Tells each of `trackers`, by name, every event; one that raises is named once, and told the next all the same."""

    def __init__(self, trackers: Mapping[str, Tracker], warn: Callable[[str], None]) -> None:
        self._trackers = [(tracker, Guard(f"tracker {name}", warn)) for name, tracker in trackers.items()]

    def tell(self, event: Event) -> None:
        """Tell all of them."""
        for tracker, guard in self._trackers:
            with guard:
                tracker.tell(event)

    def close(self, timeout_s: float) -> int:
        """Close all of them, within `timeout_s` seconds together; how many events remain for the next run."""
        until, remaining = time.monotonic() + timeout_s, 0
        for tracker, guard in self._trackers:
            with guard:
                remaining += tracker.close(max(0.0, until - time.monotonic()))
        return remaining


class BackgroundTracker:
    """A tracker that is opened, told and closed in a thread of its own: its package may take its time.

    What waits in the queue is lost with the process: the trial's value is not, which is in the study.
    """

    def __init__(self, name: str, opener: Callable[[], Tracker], warn: Callable[[str], None]) -> None:
        self._name, self._open, self._warn = name, opener, warn
        self._guard = Guard(f"tracker {name}", warn)
        self._events: SimpleQueue[Event | float] = SimpleQueue()
        self._thread = Thread(target=self._follow, name=f"tracker {name}", daemon=True)
        self._thread.start()

    def tell(self, event: Event) -> None:
        """Note it for the thread."""
        self._events.put(event)

    def close(self, timeout_s: float) -> int:
        """Wait at most `timeout_s` seconds until all is written; nothing remains, the rest is lost."""
        self._events.put(timeout_s)
        self._thread.join(timeout_s)
        if self._thread.is_alive():
            self._warn(f"tracker {self._name}: not done after {timeout_s:.0f} s; what it has not written is lost")
        return 0

    def _follow(self) -> None:
        tracker: Tracker = NullTracker()
        with self._guard:
            tracker = self._open()
        while not isinstance(event := self._events.get(), int | float):
            with self._guard:
                tracker.tell(event)
        with self._guard:
            tracker.close(event)
