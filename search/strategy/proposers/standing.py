"""How the trials of a study stand: which of them came furthest, and how good they were there."""

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from itertools import chain, groupby
from math import inf, nan

from ....common.fronts import Point, best_first
from ..curves import Curves
from ..history import Finished
from ..ranks import Merit

Stand = tuple[float, float, float, int]
"""What orders trials: how much one broke constraints, the epochs it came to and its score there, both with their sign
turned, and its number."""


class Standing:
    """The trials that have ended and those that run, the best first.

    A trial is better than those that came less far, whatever they were worth: it was better than others to come there.
    Of those that came as far, it is the one of the higher score. Complete ones came furthest.

    It does not depend on the order in which it was told of trials.

    With several objectives those that came as far stand by Pareto fronts.

    Args:
        curves: of the study; they grow by themselves.
    """

    def __init__(self, curves: Curves) -> None:
        self._curves = curves
        self._ranked: list[Stand] = []
        self._points: dict[int, Point] = {}  # of those that stand, where there are several objectives
        self._stands: dict[int, Stand] = {}
        self._ended: set[int] = set()
        self._running: set[int] = set()
        self._reports = 0

    def __len__(self) -> int:
        return len(self._ranked)

    def at(self, ranks: Iterable[int]) -> list[int]:
        """The trials at `ranks`, from 0 for the best, of those that have ended or reported an epoch."""
        if not self._points:
            return [self._ranked[rank][-1] for rank in ranks]
        order = list(chain.from_iterable(map(self._by_fronts, self._alike())))
        return [order[rank] for rank in ranks]

    def _alike(self) -> Iterator[list[int]]:
        """The trials that broke constraints by as much and came as far, those of a kind together."""
        alike = groupby(self._ranked, key=lambda stand: stand[:2])
        return (sorted(stand[-1] for stand in stands) for _, stands in alike)  # of equals the earlier comes first

    def _by_fronts(self, trials: Sequence[int]) -> Iterator[int]:
        return (trials[index] for index in best_first([self._points[trial] for trial in trials]))

    def silent(self) -> Sequence[int]:
        """The trials that run and have not reported an epoch, by number."""
        return sorted(self._running.difference(self._stands))

    def end(self, trial: Finished) -> None:
        """Note a trial that will not go on; of one that failed it is forgotten how it stood."""
        self._ended.add(trial.number)
        self._running.discard(trial.number)
        self._remove(trial.number)
        if not trial.failed:
            merit = self._curves.merit_of(nan if trial.value is None else trial.value, trial.others)
            self._put(trial.violation, -inf if trial.complete else -float(trial.epoch), merit, trial.number)

    def follow(self, running: AbstractSet[int]) -> None:
        """Take note of which trials run now, or wait at a rung, and of what they have reported."""
        gone, began = self._running - running, running - self._running - self._ended
        for number in gone:
            self._remove(number)
        self._running -= gone
        self._running |= began
        reports = self._curves.reported_since(self._reports)
        self._reports += len(reports)
        for number in began | (self._running & set(reports)):
            curve = self._curves[number]
            if curve.epoch:
                self._remove(number)
                self._put(0.0, -float(curve.epoch), self._curves.merit(number), number)

    def _put(self, violation: float, epochs: float, merit: Merit, number: int) -> None:
        if isinstance(merit, tuple):
            self._points[number] = merit
            merit = merit[0]
        stand = self._stands[number] = (violation, epochs, -merit, number)
        insort(self._ranked, stand)

    def _remove(self, number: int) -> None:
        self._points.pop(number, None)
        stand = self._stands.pop(number, None)
        if stand is not None:
            del self._ranked[bisect_left(self._ranked, stand)]
