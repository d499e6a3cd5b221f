"""What the event loop tells whoever watches, and the watcher that looks away."""

from collections.abc import Mapping
from typing import Any, Protocol

from ...training.report import EpochReport


class Progress(Protocol):
    """Follows one run of a search; every call returns at once."""

    def trial_started(self, number: int, params: Mapping[str, Any], epochs: int) -> None:
        """Trial `number` has a slot, for at most `epochs` epochs."""
        ...

    def epoch(self, number: int, report: EpochReport, value: float) -> None:
        """An epoch has ended with objective `value`."""
        ...

    def trial_ended(self, number: int, state: str, value: float | None, status: str, message: str) -> None:
        """Trial `number` is COMPLETE, PRUNED or FAIL; `value` is its best objective, `status` how training ended."""
        ...

    def note(self, text: str) -> None:
        """Something a person should know, in one line."""
        ...

    def close(self) -> None:
        """The search is over."""
        ...


class NoProgress:
    """Nobody watches."""

    def trial_started(self, number: int, params: Mapping[str, Any], epochs: int) -> None:
        """Look away."""

    def epoch(self, number: int, report: EpochReport, value: float) -> None:
        """Look away."""

    def trial_ended(self, number: int, state: str, value: float | None, status: str, message: str) -> None:
        """Look away."""

    def note(self, text: str) -> None:
        """Look away."""

    def close(self) -> None:
        """Look away."""
