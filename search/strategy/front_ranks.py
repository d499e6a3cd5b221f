"""The ranking of the trials that have reached a rung, where there are several objectives."""

from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import chain

from ...common.fronts import Point, fronts
from .ranks import Merit, Ranks


class FrontRanks:
    """Trials by what they are worth at one epoch, as Ranks has them: by Pareto front, then those with most room.

    Unlike that of Ranks, a place may become better as others come: the room about a trial changes, and what was before
    it may fall into a later front. So none is given up.
    """

    def __init__(self) -> None:
        self._points: dict[int, Point] = {}
        self._resting: set[int] = set()
        self._ranked: list[int] = []
        self._places: dict[int, int] = {}
        self.front = 0  # how many trials no other dominates; they have the first ranks

    def __len__(self) -> int:
        return len(self._points)

    def __contains__(self, trial: int) -> bool:
        return trial in self._points

    def __iter__(self) -> Iterator[int]:
        """All trials, the best first."""
        return iter(self._ranked)

    def rank(self, trial: int) -> int:
        """The rank of a trial that was added, from 0 for the best."""
        return self._places[trial]

    def add(self, trial: int, point: Merit) -> int:
        """Add a trial, resting; return its rank now, from 0."""
        assert isinstance(point, tuple)
        self._points[trial] = point
        self._resting.add(trial)
        trials = sorted(self._points)  # of equals the earlier is first, in whatever order they came
        ordered = fronts([self._points[each] for each in trials])
        self._ranked = [trials[index] for index in chain.from_iterable(ordered)]
        self._places = {each: place for place, each in enumerate(self._ranked)}
        self.front = len(ordered[0])
        return self._places[trial]

    def leave(self, trial: int) -> None:
        """Note that a trial rests here no more; what it was worth still counts."""
        self._resting.discard(trial)

    def best(self, among: Collection[int]) -> Iterator[tuple[int, int]]:
        """The resting trials that are `among` others, the best first, each with its rank."""
        return ((each, place) for place, each in enumerate(self._ranked) if each in self._resting and each in among)

    def between(self, first: int, end: int) -> Sequence[int]:
        """The resting trials of rank `first` and below, but for those of `end` and below."""
        return [trial for trial in self._ranked[first:end] if trial in self._resting]

    def count_left(self, first: int, end: int) -> int:
        """How many trials of rank `first` and below, but for those of `end` and below, have left."""
        return end - first - len(self.between(first, end))

    def give_up(self, rank: int, among: Collection[int]) -> Sequence[int]:
        """Give up none."""
        return ()


Ranking = Ranks | FrontRanks
MakeRanking = Callable[[], Ranking]
