"""Whether the checkpoints of trials are shared with other machines: by default they stay in the home."""

from collections.abc import Callable, Iterable

from ...studies.shared_files.checkpoint import Checkpoint
from ..configuration.claim import Claim
from ..executors.base import Shared

Then = Callable[[], None]
Begin = Callable[[Checkpoint | None], None]
"""Begins a trial, from a checkpoint in the store where it runs on another machine."""


class Sharing:
    """Shares nothing; shared_checkpoints.py does.

    What is to happen once a checkpoint is where it should be is handed over as `then`, and called at once or in a later
    `turn`.
    """

    @property
    def is_busy(self) -> bool:
        """Whether something is on its way that the end of a search waits for."""
        return False

    def begin(self, claim: Claim, then: Begin) -> None:
        """Bring the checkpoint of a trial that was claimed into its folder; from now on share those that it makes."""
        then(None)

    def arrived(self, event: Shared) -> None:
        """Have a trial that runs on another machine point to the checkpoint that it has shared."""

    def cancel(self) -> list[int]:
        """Have the trials not begin whose checkpoints are on their way; return their numbers."""
        return []

    def leave(self, number: int, then: Then) -> None:
        """Share the last checkpoint of a trial that is to be put back."""
        then()

    def forget(self, number: int) -> None:
        """Share no more of a trial that is somebody else's."""

    def ended(self, number: int) -> None:
        """Share the weights of a trial that has ended among the best; remove all of one that has not."""

    def tidy(self) -> None:
        """Remove what is shared of trials that have ended and are not among the best."""

    def drop(self, hopeless: Iterable[int]) -> None:
        """Remove what is shared of paused trials that can never go on."""

    def hurry(self) -> None:
        """Wait for little from now on, as the search ends; safe in a signal handler."""

    def turn(self) -> None:
        """Go on with what is on its way; never waits."""
