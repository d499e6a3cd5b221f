"""The rungs of a study: who has reached them, who went on, and who stands where."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import inf, isfinite, isnan, nan
from typing import Any

from optuna.study import StudyDirection

from ...common.fronts import best_first
from .ranking import point
from .trial import TrialRecord

_GOING = ("running", "waiting")


@dataclass(frozen=True, slots=True)
class Rung:
    """A rung at the end of `epoch`, the one of this `number` (from 0); with folds it is at the end of the fold `epoch`.

    `ranks` are the places of the trials that have reached it by their numbers, the best first, with 1; `promoted` the
    numbers of those that went on from it; `audited` those that ran on from it for an audit.
    """

    number: int
    epoch: int
    ranks: Mapping[int, int]
    promoted: frozenset[int]
    audited: frozenset[int] = frozenset()
    unit: str = "epoch"

    @property
    def reached(self) -> int:
        """How many trials have reached it."""
        return len(self.ranks)

    def standing(self, trial: int) -> "Standing | None":
        """The place of trial number `trial` here; None where it has not come here."""
        rank = self.ranks.get(trial)
        return None if rank is None else Standing(self.number, self.epoch, rank, self.reached, self.unit)

    def to_json(self) -> dict[str, Any]:
        """The JSON object of one of `rungs`."""
        return {"epoch": self.epoch, "reached": self.reached, "promoted": len(self.promoted)}


@dataclass(frozen=True, slots=True)
class Standing:
    """The place of a trial at a rung: `rank` (from 1) among the `of` trials that have reached it."""

    rung: int
    epoch: int
    rank: int
    of: int
    unit: str = "epoch"


@dataclass(frozen=True, slots=True)
class Furthest:
    """The best trial of a search in which none has run to its end.

    `value` is what it had at the end of `epoch`, the highest rung that was reached; `of` how many trials were there.
    """

    trial: TrialRecord
    value: float
    epoch: int
    of: int

    @property
    def words(self) -> str:
        """Why it is taken: `no trial has run to its end; trial 12 is the best of the 17 that reached epoch 4`."""
        unit = "fold" if self.trial.folds else "epoch"
        is_best = f"is the best of the {self.of}" if self.of > 1 else "is the only one"
        return f"no trial has run to its end; trial {self.trial.number} {is_best} that reached {unit} {self.epoch}"

    def to_json(self) -> dict[str, Any]:
        """The JSON object of `furthest`."""
        facts = {"value": self.value, "epoch": self.epoch, "of": self.of, "params": dict(self.trial.params)}
        return {"number": self.trial.number, **facts}


def furthest(trials: Iterable[TrialRecord], rungs: Sequence[Rung]) -> Furthest | None:
    """The best trial by the rung that it has reached, then by its value there.

    None where no trial has reached a rung that can be trained again: those that broke, diverged or ran out of memory
    are left out, and those of other programs.
    """
    usable = {trial.number: trial for trial in trials if trial.config and trial.cause is None}
    for rung in reversed(rungs):
        there = [number for number in rung.ranks if number in usable and isfinite(usable[number].curve[rung.epoch])]
        if there:
            best = usable[there[0]]
            return Furthest(best, best.curve[rung.epoch], rung.epoch, len(there))
    return None


def rungs_of(
    trials: Sequence[TrialRecord], epochs: Iterable[int], directions: Sequence[StudyDirection]
) -> tuple[Rung, ...]:
    """The rungs at these epochs, in their order, as `trials` have climbed them.

    Ranks are by the value at the rung's own epoch, whatever came of the trial later; of equals the older comes first,
    and what is no number last, as in the decisions themselves. With several objectives they are by Pareto fronts. An
    audited trial counts up to where it would have paused, and no extension, whose schedule is another.
    """
    return tuple(_rung(number, epoch, trials, directions) for number, epoch in enumerate(epochs))


def _rung(number: int, epoch: int, trials: Sequence[TrialRecord], directions: Sequence[StudyDirection]) -> Rung:
    there = [trial for trial in trials if epoch in trial.curve and trial.extends is None and _is_judged(trial, epoch)]
    there.sort(key=lambda trial: trial.number)
    points = [_point(trial.values_at(epoch), directions) for trial in there]
    if len(directions) > 1:
        there = [there[index] for index in best_first(points)]
    else:
        there = [trial for _, trial in sorted(zip(points, there, strict=True), key=lambda pair: -pair[0][0])]
    ranks = {trial.number: rank for rank, trial in enumerate(there, start=1)}
    audited = frozenset(trial.number for trial in there if (trial.audit or {}).get("rung") == number)
    promoted = frozenset(trial.number for trial in there if _went_on(trial, epoch))
    unit = "fold" if any(trial.folds for trial in trials) else "epoch"
    return Rung(number, epoch, ranks, promoted - audited, audited, unit)


def _is_judged(trial: TrialRecord, epoch: int) -> bool:
    """Whether a trial had come to an epoch before an audit let it run on."""
    stop = (trial.audit or {}).get("epoch")
    return not isinstance(stop, int) or epoch <= stop


def _point(values: Sequence[float], directions: Sequence[StudyDirection]) -> tuple[float, ...]:
    """What a trial is worth, more being better; as bad as can be for what is no number, or is not known."""
    known = (*values, *[nan] * (len(directions) - len(values)))
    return tuple(-inf if isnan(score) else score for score in point(directions, known[: len(directions)]))


def _went_on(trial: TrialRecord, epoch: int) -> bool:
    """Whether a trial that has reached the rung at `epoch` was promoted from it."""
    # one that was promoted just now has no later epoch yet, and is under way or waits for a worker
    return trial.epochs > 0 and (max(trial.curve) > epoch or (trial.state in _GOING and trial.rung is None))
