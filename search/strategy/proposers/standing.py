"""How the trials of a study stand: which of them came furthest, and how good they were there."""

from bisect import bisect_left, insort
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from math import inf

from ..curves import WORST, Curves
from ..history import Finished

Stand = tuple[float, float, float, int]
"""What orders trials: how much one broke constraints, the epochs it came to and its score there, both with their sign
turned, and its number."""


class Standing:
    """The trials that have ended and those that run, the best first.

    A trial is better than those that came less far, whatever they were worth: it was better than others to come there.
    Of those that came as far, it is the one of the higher score. Complete ones came furthest.

    It does not depend on the order in which it was told of trials.

    Args:
        curves: of the study; they grow by themselves.
        sign: 1.0 where more is better, else -1.0.
    """

    def __init__(self, curves: Curves, sign: float) -> None:
        self._curves, self._sign = curves, sign
        self._ranked: list[Stand] = []
        self._stands: dict[int, Stand] = {}
        self._ended: set[int] = set()
        self._running: set[int] = set()
        self._reports = 0

    def __len__(self) -> int:
        return len(self._ranked)

    def at(self, ranks: Iterable[int]) -> list[int]:
        """The trials at `ranks`, from 0 for the best, of those that have ended or reported an epoch."""
        return [self._ranked[rank][-1] for rank in ranks]

    def silent(self) -> Sequence[int]:
        """The trials that run and have not reported an epoch, by number."""
        return sorted(self._running.difference(self._stands))

    def end(self, trial: Finished) -> None:
        """Note a trial that will not go on; of one that failed it is forgotten how it stood."""
        self._ended.add(trial.number)
        self._running.discard(trial.number)
        self._remove(trial.number)
        if not trial.failed:
            score = WORST if trial.value is None else self._sign * trial.value
            self._put((trial.violation, -inf if trial.complete else -float(trial.epoch), -score, trial.number))

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
                self._put((0.0, -float(curve.epoch), -curve.scores[curve.epoch], number))

    def _put(self, stand: Stand) -> None:
        self._stands[stand[-1]] = stand
        insort(self._ranked, stand)

    def _remove(self, number: int) -> None:
        stand = self._stands.pop(number, None)
        if stand is not None:
            del self._ranked[bisect_left(self._ranked, stand)]
