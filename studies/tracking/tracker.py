"""The experiment tracker of a search, and the one that forgets it all."""

from typing import Protocol

from .events import Event


class Tracker(Protocol):
    """Follows one study: `hpo run` tells it each event, in order, and closes it at the end."""

    def tell(self, event: Event) -> None:
        """Note `event`, with the time, in microseconds.

        Whether and when it reaches the tracking store is the tracker's own affair.
        """
        ...

    def close(self, timeout_s: float) -> int:
        """Send what is left for at most `timeout_s` seconds; how many events remain for the next run."""
        ...


class NullTracker:
    """Follows nothing (`--track none`)."""

    def tell(self, event: Event) -> None:
        """Forget it."""

    def close(self, timeout_s: float) -> int:
        """Nothing remains."""
        return 0
