"""The events of a study, one frozen type for each kind.

    StudyStarted (TrialStarted Epoch* (TrialPaused (TrialStarted Epoch*)?)* TrialEnded)* StudyEnded

A TrialNoted may come after any Epoch.

Trials overlap. One that is interrupted starts again without having ended, in this process or another. `metrics` are
numbers by name, `tags` texts to filter by, `artifacts` files or folders to keep beside the run.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

TrialState = Literal["COMPLETE", "PRUNED", "FAIL"]
StudyState = Literal["FINISHED", "INTERRUPTED", "FAILED"]


@dataclass(frozen=True, slots=True)
class StudyStarted:
    """The beginning of a run of the study, new or continued.

    Trials are compared by `metric`.
    """

    metric: str
    direction: Literal["maximize", "minimize"]
    tags: Mapping[str, Any] = field(default_factory=dict)
    artifacts: Sequence[Path] = ()


@dataclass(frozen=True, slots=True)
class TrialStarted:
    """The beginning of a trial, or its resumption; `params` by dotted key."""

    trial: int
    params: Mapping[str, Any]
    tags: Mapping[str, Any] = field(default_factory=dict)
    artifacts: Sequence[Path] = ()


@dataclass(frozen=True, slots=True)
class Epoch:
    """The end of an epoch (from 1) of a trial.

    A trial that goes on from a checkpoint may repeat an epoch; trackers keep the first of each number.
    """

    trial: int
    epoch: int
    metrics: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class TrialNoted:
    """Something to be known of a trial that runs, as `tags`."""

    trial: int
    tags: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class TrialPaused:
    """The pause of a trial at `rung` (from 0), where it is until it is promoted, which starts it again, or ends.

    `metrics` sum it up until then.
    """

    trial: int
    rung: int
    metrics: Mapping[str, float] = field(default_factory=dict)

    @property
    def state(self) -> str:
        """Its state in words: `paused at rung 1`."""
        return f"paused at rung {self.rung}"


@dataclass(frozen=True, slots=True)
class TrialEnded:
    """The end of a trial.

    `metrics` sum it up, such as its value.
    """

    trial: int
    state: TrialState
    metrics: Mapping[str, float] = field(default_factory=dict)
    tags: Mapping[str, Any] = field(default_factory=dict)
    artifacts: Sequence[Path] = ()


@dataclass(frozen=True, slots=True)
class StudyEnded:
    """The end of this run of the study; `metrics` sum it up."""

    state: StudyState
    metrics: Mapping[str, float] = field(default_factory=dict)
    tags: Mapping[str, Any] = field(default_factory=dict)
    artifacts: Sequence[Path] = ()


Event = StudyStarted | TrialStarted | Epoch | TrialNoted | TrialPaused | TrialEnded | StudyEnded
