"""The event loop's clocks: the system's, and a virtual one."""

import time
from dataclasses import dataclass
from typing import Protocol


class Clock(Protocol):
    """A clock in seconds since the epoch."""

    def now(self) -> float:
        """Seconds since the epoch."""
        ...

    def sleep(self, seconds: float) -> None:
        """Let `seconds` pass."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> float:
        """Seconds since the epoch."""
        return time.time()

    def sleep(self, seconds: float) -> None:
        """Let `seconds` pass."""
        time.sleep(seconds)


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
