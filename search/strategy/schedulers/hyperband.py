"""`hyperband`: several successive halvings of different patience. Li et al. 2016, arXiv:1603.06560."""

import math

from ..base import Decision, Scheduler
from ..curves import Curves
from .asha import FACTOR, SuccessiveHalving, checked
from .registry import SCHEDULERS


class Hyperband(Scheduler):
    """Shares the trials among brackets of successive halving.

    Their first rungs are at 1, 3, 9, ... epochs (powers of `factor`), so late starters have a chance. There are
    floor(log3(epochs)) + 1 brackets, three for 10 epochs, and a trial is compared with those of its own.
    """

    def __init__(self, epochs: int, factor: int = FACTOR) -> None:
        count = 1
        while factor**count <= epochs:
            count += 1
        self._brackets = [SuccessiveHalving(factor**bracket, factor) for bracket in range(count)]
        # algorithm 1: s = count - 1, ..., 0 as in the paper, the most impatient bracket first
        sizes = [math.ceil(count * factor**s / (s + 1)) for s in reversed(range(count))]
        self._round = [bracket for bracket, size in enumerate(sizes) for _ in range(size)]

    @property
    def sizes(self) -> list[int]:
        """The trials of each bracket in one round, of which the paper's algorithm 1 is made."""
        return [self._round.count(bracket) for bracket in range(len(self._brackets))]

    def bracket(self, trial: int) -> int:
        """The place of a trial's bracket, 0 for the most impatient: they take turns, each with its share of trials."""
        return self._round[trial % len(self._round)]

    def on_report(self, curves: Curves, trial: int) -> Decision:
        """Decide as the trial's bracket does."""
        return self._brackets[self.bracket(trial)].on_report(curves, trial)


@SCHEDULERS.register("hyperband")
def hyperband(epochs: int, factor: int = FACTOR) -> Hyperband:
    """Make the brackets for trials of `epochs`, each of which keeps one trial in `factor` at a rung.

    Raises:
        SpaceError: `factor` is below 2.
    """
    return Hyperband(epochs, checked(factor, "hyperband"))
