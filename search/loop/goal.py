"""What a search runs to, how it ended, and where its files are."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from math import ceil
from pathlib import Path


class Outcome(StrEnum):
    """The reason for which the loop ended."""

    DONE = "done"
    EXHAUSTED = "exhausted"
    REACHED = "at its target"
    CONVERGED = "converged"
    OUT_OF_EPOCHS = "out of epochs"
    TIMED_OUT = "timed out"
    INTERRUPTED = "interrupted"

    @property
    def is_final(self) -> bool:
        """Whether the study has what was asked for, and would end again at once."""
        return self in (Outcome.DONE, Outcome.EXHAUSTED, Outcome.REACHED, Outcome.CONVERGED)


@dataclass(frozen=True, slots=True)
class Goal:
    """The end of a search; of all that is said, what comes first counts.

    Attributes:
        trials: finished in the study, together with those of other coordinators; None for no limit.
        deadline: in the clock's time.
        epochs: trained by all trials of the study, by its record; None for no limit.
        epochs_a_step: what a value in the record counts: one, or where it is of a fold the epochs of its budget.
        until: the objective that a complete trial is to reach; None for none.
        until_converged: whether to end when improvement is no longer likely, see convergence.py.
        images: how many validation images the objective is a share of, None where it is no share.
        trial_timeout_s: seconds that one trial may train, over all interruptions.
        only: the trials that are to be run, whatever else the study holds; None for all that there are and will be.
    """

    trials: int | None = None
    deadline: float = float("inf")
    epochs: int | None = None
    until: float | None = None
    until_converged: bool = False
    images: int | None = None
    trial_timeout_s: float = float("inf")
    only: frozenset[int] | None = None
    epochs_a_step: int = 1

    @property
    def most_trials(self) -> int | None:
        """How many trials can come to a rung at most, since each trains an epoch or a fold for that; None: no limit."""
        steps = None if self.epochs is None else ceil(self.epochs / self.epochs_a_step)
        return min((limit for limit in (self.trials, steps) if limit is not None), default=None)


@dataclass(frozen=True, slots=True)
class Places:
    """The paths of a job's data and files."""

    pack: Path
    trial_directory: Callable[[int], Path]
