"""The protocol of an experiment tracker, and the tracker that does nothing."""

from typing import Protocol

from .events import Event


class Tracker(Protocol):
    """The experiment tracker of one study.

    `hpo run` gives it each event, in order, and closes it at the end.
    """

    def tell(self, event: Event) -> None:
        """Record `event`, with the time, in microseconds.

        Whether and when it reaches the tracking store is the tracker's own affair: the search waits for this call.
        """
        ...

    def close(self, timeout_s: float) -> int:
        """Send what is left for at most `timeout_s` seconds.

        Returns:
            How many events remain for the next run.
        """
        ...


class NullTracker:
    """The tracker that records nothing (`--track none`)."""

    def tell(self, event: Event) -> None:
        """Do nothing."""

    def close(self, timeout_s: float) -> int:
        """Return 0: nothing remains."""
        return 0
