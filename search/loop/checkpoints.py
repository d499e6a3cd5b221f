"""Which checkpoints of a study are kept: of trials that can go on, and the weights of the few that can win."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from ...training.checkpoints.files import BEST, remove_checkpoints

KEPT = 3
"""Of how many complete trials the weights are kept: the best one's temperature is fitted with them, and whoever takes
another trial to `retrain-best` takes one of the next."""


class Checkpoints:
    """Removes what nobody needs any more below `directory(number)` of each trial."""

    def __init__(self, directory: Callable[[int], Path]) -> None:
        self._directory = directory
        self._best: tuple[int, ...] = ()

    def sweep(self, finished: Iterable[int], best: Sequence[int]) -> None:
        """A run begins: of the trials `finished` keep the weights of those in `best`, and nothing else."""
        self._best = tuple(best)
        for number in finished:
            self.ended(number)

    def rank(self, best: Sequence[int]) -> None:
        """These are the best trials now; of those that were, nothing more is needed."""
        former, self._best = self._best, tuple(best)
        for number in set(former) - set(best):
            self.ended(number)

    def ended(self, number: int) -> None:
        """Trial `number` does not go on."""
        remove_checkpoints(self._directory(number), keep=BEST if number in self._best else "")
