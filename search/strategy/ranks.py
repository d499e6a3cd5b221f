"""The ranking of the trials that have reached a rung."""

from bisect import bisect_left, insort
from collections.abc import Collection, Iterator


class Ranks:
    """Trials by their score at one epoch, the best first, of equal ones the earlier.

    Those that have not left the rung for the next one, or for their end, are known as resting.
    """

    def __init__(self) -> None:
        self._ranked: list[tuple[float, int]] = []  # a score with its sign turned, and a trial
        self._resting: list[tuple[float, int]] = []  # the same
        self._places: dict[int, tuple[float, int]] = {}  # of resting ones

    def __len__(self) -> int:
        return len(self._ranked)

    def add(self, trial: int, score: float) -> int:
        """Add a trial, resting; return its rank now, from 0."""
        place = self._places[trial] = (-score, trial)
        insort(self._ranked, place)
        insort(self._resting, place)
        return bisect_left(self._ranked, place)

    def leave(self, trial: int) -> None:
        """Note that a trial rests here no more; its score still counts."""
        if (place := self._places.pop(trial, None)) is not None:
            del self._resting[bisect_left(self._resting, place)]

    def best(self, among: Collection[int]) -> Iterator[tuple[int, int]]:
        """The resting trials that are `among` others, the best first, each with its rank."""
        return ((trial, bisect_left(self._ranked, (score, trial))) for score, trial in self._resting if trial in among)

    def from_rank(self, rank: int) -> set[int]:
        """The resting trials of `rank` and below."""
        if rank >= len(self._ranked):
            return set()
        return {trial for _, trial in self._resting[bisect_left(self._resting, self._ranked[rank]) :]}
