"""Several trackers as one, and a tracker in its own thread.

No search waits for a tracker or ends with one.
"""

import time
from collections.abc import Callable, Mapping
from queue import SimpleQueue
from threading import Thread
from types import TracebackType

from ...common.masking import first_line
from .events import Event
from .tracker import NullTracker, Tracker


class Guard:
    """A context that suppresses errors and warns of the first."""

    def __init__(self, name: str, warn: Callable[[str], None]) -> None:
        self._name, self._warn, self._has_warned = name, warn, False

    def __enter__(self) -> None:
        """Begin a call of the tracker."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        """Suppress an Exception; warn of it unless one came before."""
        if isinstance(error, Exception) and not self._has_warned:
            self._has_warned = True
            self._warn(f"{self._name}: {first_line(error)}; what it misses is lost, all else goes on")
        return isinstance(error, Exception)  # KeyboardInterrupt goes on


class SeveralTrackers:
    """Several trackers, by name, as one that passes each event on.

    One that raises is named in one warning and gets the next event all the same.
    """

    def __init__(self, trackers: Mapping[str, Tracker], warn: Callable[[str], None]) -> None:
        self._trackers = [(tracker, Guard(f"tracker {name}", warn)) for name, tracker in trackers.items()]

    def tell(self, event: Event) -> None:
        """Give the event to all of them."""
        for tracker, guard in self._trackers:
            with guard:
                tracker.tell(event)

    def close(self, timeout_s: float) -> int:
        """Close all of them within `timeout_s` seconds together.

        Returns:
            How many events remain for the next run.
        """
        until, remaining = time.monotonic() + timeout_s, 0
        for tracker, guard in self._trackers:
            with guard:
                remaining += tracker.close(max(0.0, until - time.monotonic()))
        return remaining


class BackgroundTracker:
    """A tracker that is opened, called and closed in its own thread.

    Its package may be slow to import, or to answer. Events in the queue are lost with the process; the trial's
    value is not, which is in the study.
    """

    def __init__(self, name: str, opener: Callable[[], Tracker], warn: Callable[[str], None]) -> None:
        self._name, self._open, self._warn = name, opener, warn
        self._guard = Guard(f"tracker {name}", warn)
        # a number is the last entry: the seconds that closing may take
        self._events: SimpleQueue[Event | float] = SimpleQueue()
        self._thread = Thread(target=self._follow, name=f"tracker {name}", daemon=True)
        self._thread.start()

    def tell(self, event: Event) -> None:
        """Put the event into the queue of the thread."""
        self._events.put(event)

    def close(self, timeout_s: float) -> int:
        """Wait at most `timeout_s` seconds until all events are written.

        Returns:
            0: what is not written by then is lost, and nothing remains for the next run.
        """
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
