"""Removal of checkpoints, but for trials that can go on or win."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from ...training.checkpoints.files import BEST, remove_checkpoints

KEPT = 3
"""How many complete trials keep their weights.

The best one's temperature is fitted with them, and whoever takes another trial to `retrain-best` takes one of the next.
More would cost the disk of a model each.
"""


class Checkpoints:
    """Removes checkpoints that nobody needs, below `directory(number)` of each trial."""

    def __init__(self, directory: Callable[[int], Path]) -> None:
        self._directory = directory
        self._best: tuple[int, ...] = ()

    def sweep(self, finished: Iterable[int], best: Sequence[int]) -> None:
        """Remove checkpoints of `finished` trials, but for the weights of `best`.

        A run that was killed may have left some.
        """
        self._best = tuple(best)
        for number in finished:
            self.ended(number)

    def rank(self, best: Sequence[int]) -> None:
        """Set the best trials, and remove the weights of former ones."""
        # set first: `ended` asks whether a trial is among the best
        former, self._best = self._best, tuple(best)
        for number in set(former) - set(best):
            self.ended(number)

    def drop(self, hopeless: Iterable[int]) -> None:
        """Remove the checkpoints of paused trials that can never go on."""
        for number in hopeless:
            self.ended(number)

    def ended(self, number: int) -> None:
        """Remove the checkpoints of trial `number`, which does not go on."""
        remove_checkpoints(self._directory(number), keep=BEST if number in self._best else "")
