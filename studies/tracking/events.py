"""What happens in a study, as its trackers are told: one frozen type for each kind of event.

    StudyStarted (TrialStarted Epoch* TrialEnded)* StudyEnded

Trials overlap. One that is paused starts again without having ended, in this process or another. `metrics` are numbers
by name, `tags` texts to filter by, `artifacts` files or folders to keep beside the run.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

TrialState = Literal["COMPLETE", "PRUNED", "FAIL"]
StudyState = Literal["FINISHED", "INTERRUPTED", "FAILED"]


@dataclass(frozen=True, slots=True)
class StudyStarted:
    """A run of the study begins; again on every run that continues it. `metric` is what trials are compared by."""

    metric: str
    direction: Literal["maximize", "minimize"]
    tags: Mapping[str, Any] = field(default_factory=dict)
    artifacts: Sequence[Path] = ()


@dataclass(frozen=True, slots=True)
class TrialStarted:
    """A trial begins, or goes on after a pause; `params` by dotted key."""

    trial: int
    params: Mapping[str, Any]
    tags: Mapping[str, Any] = field(default_factory=dict)
    artifacts: Sequence[Path] = ()


@dataclass(frozen=True, slots=True)
class Epoch:
    """An epoch (from 1) of a trial has ended; one that was told before is dropped, the first one stays."""

    trial: int
    epoch: int
    metrics: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class TrialEnded:
    """A trial has ended; `metrics` sum it up (its value at its best epoch)."""

    trial: int
    state: TrialState
    metrics: Mapping[str, float] = field(default_factory=dict)
    tags: Mapping[str, Any] = field(default_factory=dict)
    artifacts: Sequence[Path] = ()


@dataclass(frozen=True, slots=True)
class StudyEnded:
    """This run of the study is over; `metrics` sum it up."""

    state: StudyState
    metrics: Mapping[str, float] = field(default_factory=dict)
    tags: Mapping[str, Any] = field(default_factory=dict)
    artifacts: Sequence[Path] = ()


Event = StudyStarted | TrialStarted | Epoch | TrialEnded | StudyEnded
