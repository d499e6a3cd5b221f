"""The learning curves of a study, as schedulers see them."""

import math
from bisect import insort
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from ...common.folds import values_of_folds
from ...common.fronts import best_first
from .front_ranks import FrontRanks, Ranking
from .ranks import Merit, Ranks

Direction = Literal["maximize", "minimize"]

WORST = -math.inf


@dataclass(slots=True)
class Curve:
    """One trial: its score by epoch, the best of them, and whether it ran to its end.

    `others` are its scores for further objectives at the last epoch. Where trials have folds, an epoch is one of these,
    and its score that of the mean over the folds up to it; `parts` are the scores of the folds alone. Without folds
    they are those of the epochs.
    """

    scores: dict[int, float] = field(default_factory=dict)
    parts: dict[int, float] = field(default_factory=dict)
    others: tuple[float, ...] = ()
    best: float = WORST
    complete: bool = False

    @property
    def epoch(self) -> int:
        """The last epoch that was reported; 0 for none."""
        return next(reversed(self.scores), 0)

    @property
    def last(self) -> float:
        """The score of the last epoch; WORST before the first."""
        return next(reversed(self.scores.values()), WORST)


class Curves:
    """The curves of all trials by number, and the scores of complete ones by epoch. Both only grow.

    `any_complete` says whether a trial has run to its end.

    A score is a value of an objective, its sign such that more is better. What is no number is as bad as can be. Where
    nothing else is said, it is that of the first objective.

    Args:
        direction: of the objective.
        epochs: the last epoch of every trial, None where that differs between them.
        others: the directions of further objectives.
        in_folds: whether values are means over folds, by the number of the fold.
    """

    def __init__(
        self,
        direction: Direction,
        epochs: int | None = None,
        others: Sequence[Direction] = (),
        *,
        in_folds: bool = False,
    ) -> None:
        self._in_folds = in_folds
        self._sign = _sign(direction)
        self._other_signs = tuple(map(_sign, others))
        self._epochs = epochs
        self._by_trial: dict[int, Curve] = {}
        self._complete: dict[int, list[float]] = {}
        self.any_complete = False
        self._log: list[int] = []
        self._ended: set[int] = set()  # the complete ones that have a score
        self._best: int | None = None  # of these

    def __getitem__(self, trial: int) -> Curve:
        """The curve of a trial, empty before its first report."""
        return self._by_trial.setdefault(trial, Curve())

    @property
    def several(self) -> bool:
        """Whether there are several objectives."""
        return bool(self._other_signs)

    def ranks(self) -> Ranking:
        """Make a ranking by `merit`, empty."""
        return FrontRanks() if self._other_signs else Ranks()

    def merit(self, trial: int) -> Merit:
        """What a trial is worth at its last epoch."""
        curve = self[trial]
        return (curve.last, *curve.others) if self._other_signs else curve.last

    def merit_of(self, value: float, others: Sequence[float] = ()) -> Merit:
        """What values of the objectives are worth; those that are missing, as in another program's trial, nothing."""
        if not self._other_signs:
            return self.score_of(value)
        missing = [math.nan] * (len(self._other_signs) - len(others))
        return (self.score_of(value), *map(_score, (*others, *missing), self._other_signs))

    def best_first(self, trials: Iterable[int]) -> list[int]:
        """Trials by what they are worth at their last epochs, the best first, of equal ones the earlier."""
        ordered = sorted(trials)
        if not self._other_signs:
            return sorted(ordered, key=lambda trial: -self[trial].last)
        points = [(self[trial].last, *self[trial].others) for trial in ordered]
        return [ordered[index] for index in best_first(points)]

    def complete_at(self, epoch: int) -> Sequence[float]:
        """The scores of complete trials at `epoch`, in ascending order."""
        return self._complete.get(epoch, ())

    def value(self, trial: int) -> float | None:
        """The objective at the last epoch of a trial; None for none, and where it is no number."""
        score = self[trial].last
        return None if score == WORST else self._sign * score

    def others(self, trial: int) -> tuple[float, ...]:
        """The further objectives at the last epoch of a trial; empty for none."""
        return tuple(sign * score for sign, score in zip(self._other_signs, self[trial].others, strict=False))

    def best_complete(self) -> Curve | None:
        """The curve of the complete trial whose last score is highest, the earliest of equals; None without one."""
        return None if self._best is None else self[self._best]

    def complete(self) -> Collection[int]:
        """The complete trials that have a score."""
        return self._ended

    def score_of(self, value: float) -> float:
        """The score of a value of the objective."""
        return _score(value, self._sign)

    def reported_since(self, count: int) -> Sequence[int]:
        """The trials of all reports but for the first `count`, in their order."""
        return self._log[count:]

    def report(self, trial: int, epoch: int, value: float, others: Sequence[float] = ()) -> bool:
        """Add the objective of an epoch (from 1), and what it is worth to `others`; return whether it is new.

        note: an epoch that is trained again after a lost worker changes nothing, as in the study.
        """
        curve = self[trial]
        if epoch in curve.scores:
            return False
        score = self.score_of(value)
        curve.scores[epoch] = score
        curve.parts[epoch] = values_of_folds(curve.scores.values())[-1] if self._in_folds else score
        curve.best = max(curve.best, score)
        if isinstance(merit := self.merit_of(value, others), tuple):
            curve.others = merit[1:]
        self._log.append(trial)
        if curve.complete:  # its end was told first, as after a restart
            self._compare_with(epoch, score)
            self._rank(trial)
        elif epoch == self._epochs:
            self.end(trial)
        return True

    def end(self, trial: int) -> None:
        """Note that a trial ran to its end: from here on others are compared with it.

        One that reaches the last epoch needs no such note; one whose patience was over before does.
        """
        curve = self[trial]
        self.any_complete = True
        if not curve.complete:
            curve.complete = True
            for epoch, score in curve.scores.items():
                self._compare_with(epoch, score)
            self._rank(trial)

    def _compare_with(self, epoch: int, score: float) -> None:
        insort(self._complete.setdefault(epoch, []), score)

    def _rank(self, trial: int) -> None:
        """Find the best complete trial again, after `trial` has got another last score."""
        if self[trial].scores:
            self._ended.add(trial)
            among = self._ended if trial == self._best else {trial, *([] if self._best is None else [self._best])}
            self._best = max(among, key=lambda number: (self[number].last, -number))


def _sign(direction: Direction) -> float:
    return 1.0 if direction == "maximize" else -1.0


def _score(value: float, sign: float) -> float:
    return WORST if math.isnan(value) else sign * value
