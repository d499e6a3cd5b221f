"""The ranking of the trials that have reached a rung."""

from bisect import bisect_left, insort
from collections.abc import Collection, Iterator, Sequence

Merit = float | tuple[float, ...]
"""What a trial is worth: its score or, where there are several objectives, its score for each."""


class Ranks:
    """Trials by their score at one epoch, the best first, of equal ones the earlier.

    Those that have not left the rung for the next one, or for their end, are known as resting; of these those count as
    hopeful that were not given up.
    """

    def __init__(self) -> None:
        self._ranked: list[tuple[float, int]] = []  # a score with its sign turned, and a trial
        self._resting: list[tuple[float, int]] = []  # the same
        self._hopeful: list[tuple[float, int]] = []  # the same
        self._entries: dict[int, tuple[float, int]] = {}  # of resting ones
        self._scores: dict[int, float] = {}

    def __len__(self) -> int:
        return len(self._ranked)

    def __contains__(self, trial: int) -> bool:
        return trial in self._scores

    def __iter__(self) -> Iterator[int]:
        """All trials, the best first."""
        return (trial for _, trial in self._ranked)

    @property
    def front(self) -> int:
        """How many trials no other is better than, where that says something of them: 0, as one of them is the best."""
        return 0

    def rank(self, trial: int) -> int:
        """The rank of a trial that was added, from 0 for the best."""
        return bisect_left(self._ranked, (-self._scores[trial], trial))

    def add(self, trial: int, score: Merit) -> int:
        """Add a trial, resting; return its rank now, from 0."""
        assert not isinstance(score, tuple)  # see FrontRanks
        entry = self._entries[trial] = (-score, trial)
        self._scores[trial] = score
        insort(self._ranked, entry)
        insort(self._resting, entry)
        insort(self._hopeful, entry)
        return bisect_left(self._ranked, entry)

    def leave(self, trial: int) -> None:
        """Note that a trial rests here no more; its score still counts."""
        if (entry := self._entries.pop(trial, None)) is not None:
            _remove(self._resting, entry)
            _remove(self._hopeful, entry)

    def best(self, among: Collection[int]) -> Iterator[tuple[int, int]]:
        """The resting trials that are `among` others, the best first, each with its rank."""
        return ((trial, bisect_left(self._ranked, (score, trial))) for score, trial in self._resting if trial in among)

    def between(self, first: int, end: int) -> Sequence[int]:
        """The resting trials of rank `first` and below, but for those of `end` and below."""
        return [trial for _, trial in self._resting[slice(*self._bounds(first, end))]]

    def count_left(self, first: int, end: int) -> int:
        """How many trials of rank `first` and below, but for those of `end` and below, have left."""
        start, stop = self._bounds(first, end)
        return end - first - (stop - start)

    def _bounds(self, *ranks: int) -> list[int]:
        """Where the resting trials of `ranks` and below begin."""
        return [
            bisect_left(self._resting, self._ranked[rank]) if rank < len(self) else len(self._resting) for rank in ranks
        ]

    def give_up(self, rank: int, among: Collection[int]) -> Sequence[int]:
        """Give up the hopeful trials of `rank` and below that are `among` others; return them."""
        if rank >= len(self):
            return ()
        first = bisect_left(self._hopeful, self._ranked[rank])
        late = self._hopeful[first:]
        self._hopeful[first:] = [entry for entry in late if entry[1] not in among]
        return [trial for _, trial in late if trial in among]


def _remove(ranked: list[tuple[float, int]], entry: tuple[float, int]) -> None:
    """Remove an entry from a sorted list, if it is there."""
    index = bisect_left(ranked, entry)
    if ranked[index : index + 1] == [entry]:
        del ranked[index]
