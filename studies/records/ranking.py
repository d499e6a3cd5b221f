"""The order of trials, the best first: of complete ones, and of all that ended or are paused."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from math import inf, isnan, nan

from optuna.study import StudyDirection

from ...common import fronts
from .trial import PAUSED, TrialRecord


def rank(direction: StudyDirection, value: float, number: int) -> tuple[float, int]:
    """The sorting key of a complete trial: the best value first.

    Of equals the older comes first, as in Optuna's `best_trial`.
    """
    return (value if direction == StudyDirection.MINIMIZE else -value), number


def point(directions: Sequence[StudyDirection], values: Sequence[float]) -> tuple[float, ...]:
    """What a trial is worth to several objectives, each number the better the higher."""
    pairs = zip(directions, values, strict=True)
    return tuple(-value if direction == StudyDirection.MINIMIZE else value for direction, value in pairs)


def worth(trial: TrialRecord, directions: Sequence[StudyDirection]) -> tuple[float, ...]:
    """What a trial that reported an epoch is worth at its end, as `point`; what is no number is as bad as can be."""
    values = trial.values or trial.values_at(_last(trial))
    missing = [nan] * (len(directions) - len(values))
    return tuple(-inf if isnan(each) else each for each in point(directions, [*values, *missing]))


def ranked(trials: Iterable[TrialRecord], directions: Sequence[StudyDirection]) -> list[TrialRecord]:
    """The complete trials that have values and keep to all constraints, the best first.

    With several objectives they are in the order of their Pareto fronts, see common/fronts.py.
    """
    able = [trial for trial in trials if trial.state == "complete" and not trial.broken]
    able = [trial for trial in able if len(trial.values) == len(directions)]
    if len(directions) > 1:
        return [able[index] for index in fronts.best_first([point(directions, trial.values) for trial in able])]
    return sorted(able, key=lambda trial: rank(directions[0], trial.values[0], trial.number))


def pareto_front(trials: Sequence[TrialRecord], directions: Sequence[StudyDirection]) -> list[TrialRecord]:
    """Those of `trials`, which have values for all objectives, that no other dominates, by their first value."""
    numbers = fronts.front_numbers([point(directions, trial.values) for trial in trials])
    front = [trial for trial, number in zip(trials, numbers, strict=True) if number == 0]
    return sorted(front, key=lambda trial: rank(directions[0], trial.values[0], trial.number))


def best_first(trials: Iterable[TrialRecord], directions: Sequence[StudyDirection]) -> list[TrialRecord]:
    """The trials that ended, or are paused at a rung, the best first; without those that broke.

    Complete ones are in the order of their values. One that was stopped or paused stands behind all that came further
    and were as good or better at its last epoch, and before the others: so it is compared with each at an epoch that
    both have, by the first objective where there are several. What diverged, ran out of memory or time, or breaks a
    constraint, is last.

    note: proposers at rungs take whatever came further for better (search/strategy/proposers/standing.py), as only
    the better ones go on there; but a pruner lets the first trials run to their end, whatever they are worth.
    """
    ended = [trial for trial in trials if trial.state in ("complete", "pruned", PAUSED)]
    usable = [trial for trial in ended if trial.cause is None]
    order, stopped = ranked(usable, directions), [trial for trial in usable if trial.state != "complete"]
    direction = directions[0]
    for epoch in sorted({_last(trial) for trial in stopped}, reverse=True):
        there = [trial for trial in stopped if _last(trial) == epoch]
        order = _merged(order, sorted(there, key=lambda t: (_loss(t, epoch, direction), t.number)), epoch, direction)
    return order + [trial for trial in ended if trial.cause is not None]


def _merged(
    order: Sequence[TrialRecord], stopped: Iterable[TrialRecord], epoch: int, direction: StudyDirection
) -> list[TrialRecord]:
    """The `order` of trials that came further, with those that were `stopped` at `epoch`, the best of these first."""
    losses = sorted(_loss(trial, epoch, direction) for trial in order)
    merged, taken = [], 0
    for trial in stopped:
        behind = bisect_right(losses, _loss(trial, epoch, direction))
        merged += [*order[taken:behind], trial]
        taken = behind
    return [*merged, *order[taken:]]


def _last(trial: TrialRecord) -> int:
    return max(trial.curve, default=0)


def _loss(trial: TrialRecord, epoch: int, direction: StudyDirection) -> float:
    """What a trial had at an epoch, less being better; the worst for what is no number.

    The best where it told nothing then: another program's trial may have told its end alone.
    """
    value = trial.curve.get(epoch)
    return -inf if value is None else inf if isnan(value) else rank(direction, value, trial.number)[0]
