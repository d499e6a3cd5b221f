"""`median`: the median stopping rule. Golovin et al. 2017, section 3.2.2.

It stops what is below the median of earlier trials at the same epoch.
"""

import math
from collections.abc import Sequence

from ..base import GO, STOP, Decision, Scheduler
from ..curves import WORST, Curves
from .registry import SCHEDULERS

# Optuna's 5 trials and no waiting stop slow starters: docs/strategies.md has what other numbers would do.
TRIALS_BEFORE = 4  # complete ones that a trial is compared with, at least
PARTS_BEFORE = 6  # the first look is after one in so many of the epochs


@SCHEDULERS.register("median")
class Median(Scheduler):
    """Stops a trial whose best value so far is below the median.

    The median is of what complete trials had reached at this epoch. No trial is stopped in the first sixth of `epochs`.
    After it, a trial whose values are no numbers is stopped as soon as there are others to compare it with.
    """

    def __init__(self, epochs: int) -> None:
        self._warm_up = math.ceil(epochs / PARTS_BEFORE)

    def on_report(self, curves: Curves, trial: int) -> Decision:
        """Stop the trial if it is not complete, past the warm-up, and below the median."""
        curve = curves[trial]
        others = curves.complete_at(curve.epoch)
        if curve.complete or curve.epoch <= self._warm_up or len(others) < TRIALS_BEFORE:
            return GO
        return STOP if curve.best == WORST or curve.best < median(others) else GO


def median(ascending: Sequence[float]) -> float:
    """The median of sorted numbers, of which there must be one."""
    middle = len(ascending) // 2
    if len(ascending) % 2:
        return ascending[middle]
    return ascending[middle - 1] / 2 + ascending[middle] / 2  # note: the sum could be too large for a float
