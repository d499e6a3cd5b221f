"""The order of complete trials, the best first."""

from collections.abc import Iterable

from optuna.study import StudyDirection

from .trial import TrialRecord


def rank(direction: StudyDirection, value: float, number: int) -> tuple[float, int]:
    """The sorting key of a complete trial: the best value first.

    Of equals the older comes first, as in Optuna's `best_trial`.
    """
    return (value if direction == StudyDirection.MINIMIZE else -value), number


def ranked(trials: Iterable[TrialRecord], direction: StudyDirection) -> list[TrialRecord]:
    """The complete trials that have a value, the best first."""
    complete = [trial for trial in trials if trial.state == "complete" and trial.value is not None]
    return sorted(complete, key=lambda trial: rank(direction, trial.value or 0.0, trial.number))
