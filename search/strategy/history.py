"""What proposers know of trials, in memory: of however many, those that they look at are bounded."""

from bisect import bisect_left, insort
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from math import inf
from typing import Any

from ...common.fronts import best_first
from .curves import Direction

# TPE takes at most so many of the best as good ones (Optuna's default_gamma), whatever the number of trials
BEST = 25

# from so many trials on the good ones are BEST, and not fewer, to TPE; more of them, that it takes for bad ones, cost
# time and find nothing better: see docs/strategies.md
NEWEST = 250


@dataclass(frozen=True, slots=True)
class Finished:
    """A trial that will not go on, or that proposers learn from as it stands.

    `params` by dotted key; `value` is the objective, where it was stopped that of its last `epoch`, None where there is
    none or it is no number; `complete` says that it ran to its end, `violation` by how much it broke constraints, 0 for
    none; `failed` that it broke, so that its configuration is neither good nor bad; `outdated` that its parameters
    would make another configuration now, of a space that was changed or a model that was edited. `others` are the
    values of further objectives, () for none.
    """

    number: int
    params: Mapping[str, Any]
    value: float | None
    epoch: int = 0
    complete: bool = True
    violation: float = 0.0
    failed: bool = False
    outdated: bool = False
    others: tuple[float, ...] = ()

    @property
    def objectives(self) -> tuple[float, ...]:
        """Its values for all objectives; () where it has none."""
        return () if self.value is None else (self.value, *self.others)


class History:
    """The first trial, the BEST best and the NEWEST newest of those that were added, each once, by number.

    What it gives out does not depend on the order in which they were added. A trial that was added before is replaced.
    With `others`, the directions of further objectives, the best are those of the first Pareto fronts.
    """

    def __init__(
        self, direction: Direction, *, best: int = BEST, newest: int = NEWEST, others: Sequence[Direction] = ()
    ) -> None:
        self._sign, *self._other_signs = (-1.0 if each == "maximize" else 1.0 for each in (direction, *others))
        self._best, self._newest = best, newest
        self._trials: dict[int, Finished] = {}
        self._numbers: list[int] = []  # ascending
        self._ranked: list[tuple[int, float, float, int]] = []  # the best first

    def add(self, trial: Finished) -> None:
        """Add a trial."""
        self.remove(trial.number)
        self._trials[trial.number] = trial
        insort(self._numbers, trial.number)
        insort(self._ranked, self._rank(trial))

    def remove(self, number: int) -> None:
        """Remove trial `number`, if it is there."""
        if (trial := self._trials.pop(number, None)) is not None:
            del self._numbers[bisect_left(self._numbers, number)]
            del self._ranked[bisect_left(self._ranked, self._rank(trial))]

    @property
    def numbers(self) -> Set[int]:
        """The numbers of all that were added."""
        return self._trials.keys()

    def __iter__(self) -> Iterator[Finished]:
        """The trials that count, by number."""
        ranked = [number for *_, number in self._ranked]
        best = self._by_fronts(ranked) if self._other_signs else ranked
        kept = {*self._numbers[:1], *best[: self._best], *self._numbers[-self._newest :]}
        return (self._trials[number] for number in sorted(kept))

    def _by_fronts(self, ranked: Sequence[int]) -> Sequence[int]:
        """Trials, of which those that are whole stand by fronts before the others."""
        whole = [number for number in ranked if (trial := self._trials[number]).complete and not trial.violation]
        points = [self._point(self._trials[number]) for number in whole]
        first = [whole[index] for index in best_first(points)]
        return [*first, *(number for number in ranked if number not in set(whole))]

    def _point(self, trial: Finished) -> tuple[float, ...]:
        """What a trial is worth, more being better; -inf for what is not known."""
        signs = (self._sign, *self._other_signs)
        values = trial.objectives
        return tuple(-sign * values[axis] if axis < len(values) else -inf for axis, sign in enumerate(signs))

    def _rank(self, trial: Finished) -> tuple[int, float, float, int]:
        """The order of TPE: complete ones, then those stopped late, then those that broke constraints."""
        loss = float("inf") if trial.value is None else self._sign * trial.value
        if trial.violation > 0:
            return 2, trial.violation, 0.0, trial.number
        return (0, 0.0, loss, trial.number) if trial.complete else (1, -trial.epoch, loss, trial.number)
