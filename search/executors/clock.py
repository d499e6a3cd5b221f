"""The event loop's clocks: the system's, and a virtual one."""

import time
from dataclasses import dataclass
from typing import Protocol


class Clock(Protocol):
    """A clock in seconds since the epoch, which is never set: it measures how long something takes."""

    def now(self) -> float:
        """Seconds since the epoch."""
        ...

    def sleep(self, seconds: float) -> None:
        """Let `seconds` pass."""
        ...


class SystemClock:
    """The machine's own clock, as it was when the search began: what sets it later is not followed."""

    def __init__(self) -> None:
        self._epoch = time.time() - time.monotonic()

    def now(self) -> float:
        """Seconds since the epoch."""
        return self._epoch + time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Let `seconds` pass."""
        time.sleep(seconds)

    def advance_to(self, time: float) -> None:
        """Let pass what is left until `time`."""
        self.sleep(max(0.0, time - self.now()))


@dataclass(slots=True)
class VirtualClock:
    """A clock that stands still until a simulation moves it.

    Hours of search pass in milliseconds.
    """

    time: float = 0.0

    def now(self) -> float:
        """Virtual seconds."""
        return self.time

    def sleep(self, seconds: float) -> None:
        """Move `seconds` forward."""
        self.time += seconds

    def advance_to(self, time: float) -> None:
        """Move forward to `time`; never back."""
        self.time = max(self.time, time)  # an event may be due since before a sleep
