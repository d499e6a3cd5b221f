"""What a search tells its experiment tracker, and the tracker that forgets it all.

Every call notes the event with its time and returns in microseconds; none raises. Whether and when an event reaches
the tracking store is the tracker's own affair.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

TrialState = Literal["COMPLETE", "PRUNED", "FAIL"]
StudyState = Literal["FINISHED", "INTERRUPTED", "FAILED"]


@dataclass(frozen=True, slots=True)
class StudyInfo:
    """A study as the tracker shows it.

    `tags` are texts to filter by (space hash, data fingerprint, seed); `artifacts` files to keep beside it (the space,
    study.json).
    """

    name: str
    metric: str
    direction: Literal["maximize", "minimize"]
    tags: Mapping[str, Any] = field(default_factory=dict)
    artifacts: Sequence[Path] = ()


class Tracker(Protocol):
    """Follows one study."""

    def study_started(self, study: StudyInfo) -> None:
        """A run of the study begins; again on every run that continues it."""
        ...

    def trial_started(
        self, number: int, params: Mapping[str, Any], tags: Mapping[str, Any], artifacts: Sequence[Path] = ()
    ) -> None:
        """Trial `number` begins, or goes on after a pause, in this process or another; `params` by dotted key."""
        ...

    def epoch(self, number: int, epoch: int, metrics: Mapping[str, float]) -> None:
        """Epoch `epoch` (from 1) of trial `number` has ended; an epoch told before is dropped, the first one stays."""
        ...

    def trial_ended(
        self,
        number: int,
        state: TrialState,
        metrics: Mapping[str, float],
        tags: Mapping[str, Any],
        artifacts: Sequence[Path] = (),
    ) -> None:
        """Trial `number` has ended; `metrics` sum it up (its value, its best epoch)."""
        ...

    def study_ended(
        self,
        state: StudyState,
        metrics: Mapping[str, float],
        tags: Mapping[str, Any],
        artifacts: Sequence[Path] = (),
    ) -> None:
        """This run of the study is over; `metrics` sum it up (the best value)."""
        ...

    def close(self, timeout_s: float) -> int:
        """Send what is left for at most `timeout_s` seconds; how many events remain for the next run."""
        ...


class NullTracker:
    """Follows nothing (`--tracking-uri none`)."""

    def study_started(self, study: StudyInfo) -> None:
        """Forget it."""

    def trial_started(
        self, number: int, params: Mapping[str, Any], tags: Mapping[str, Any], artifacts: Sequence[Path] = ()
    ) -> None:
        """Forget it."""

    def epoch(self, number: int, epoch: int, metrics: Mapping[str, float]) -> None:
        """Forget it."""

    def trial_ended(
        self,
        number: int,
        state: TrialState,
        metrics: Mapping[str, float],
        tags: Mapping[str, Any],
        artifacts: Sequence[Path] = (),
    ) -> None:
        """Forget it."""

    def study_ended(
        self,
        state: StudyState,
        metrics: Mapping[str, float],
        tags: Mapping[str, Any],
        artifacts: Sequence[Path] = (),
    ) -> None:
        """Forget it."""

    def close(self, timeout_s: float) -> int:
        """Nothing remains."""
        return 0
