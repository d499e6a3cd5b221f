"""The ranking of the trials that have reached an epoch."""

from bisect import bisect_left, insort
from collections.abc import Iterator
from itertools import islice


class Ranks:
    """Trials by their score at one epoch, the best first, of equal ones the earlier."""

    def __init__(self) -> None:
        self._ranked: list[tuple[float, int]] = []  # a score with its sign turned, and a trial

    def __len__(self) -> int:
        return len(self._ranked)

    def add(self, trial: int, score: float) -> int:
        """Add a trial; return its rank now, from 0."""
        insort(self._ranked, (-score, trial))
        return bisect_left(self._ranked, (-score, trial))

    def best(self, count: int) -> Iterator[int]:
        """The best `count` trials."""
        return (trial for _, trial in islice(self._ranked, count))

    def after(self, count: int) -> Iterator[int]:
        """All but the best `count` trials."""
        return (trial for _, trial in islice(self._ranked, count, None))
