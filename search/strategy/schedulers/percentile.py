"""`percentile`: the median stopping rule with another share. Golovin et al. 2017, section 3.2.2.

It stops what is not among the best so many per cent of earlier trials at the same epoch.
"""

import math
from collections.abc import Sequence

from ....errors import SpaceError
from ..base import GO, STOP, Decision, Scheduler
from ..curves import WORST, Curves
from .registry import SCHEDULERS

# Optuna's 5 trials and no waiting stop slow starters: docs/strategies.md has what other numbers would do.
TRIALS_BEFORE = 4  # complete ones that a trial is compared with, at least
PARTS_BEFORE = 6  # the first look is after one in so many of the epochs


class Percentile(Scheduler):
    """Stops a trial whose best value so far is below a percentile of what others had.

    The percentile is of what complete trials had reached at this epoch, such that `percent` (0 to 100) of them are as
    good or better. No trial is stopped in the first sixth of `epochs`. After it, a trial whose values are no numbers is
    stopped as soon as there are others to compare it with.
    """

    def __init__(self, epochs: int, percent: float) -> None:
        self._warm_up = warm_up(epochs)
        self._rank = 1 - percent / 100

    def on_report(self, curves: Curves, trial: int) -> Decision:
        """Stop the trial if it is not complete, past the warm-up, and below the percentile."""
        curve = curves[trial]
        others = curves.complete_at(curve.epoch)
        if curve.complete or curve.epoch <= self._warm_up or len(others) < TRIALS_BEFORE:
            return GO
        return STOP if curve.best == WORST or curve.best < quantile(others, self._rank) else GO


@SCHEDULERS.register("percentile")
def percentile(epochs: int, percent: float = 25.0) -> Percentile:
    """Let the best `percent` go on, above 0 and below 100.

    Raises:
        SpaceError: `percent` is not.
    """
    if not 0 < percent < 100:
        raise SpaceError(f"--pruner percentile:P keeps the best P %, above 0 and below 100, got {percent:g}")
    return Percentile(epochs, percent)


def warm_up(epochs: int) -> int:
    """The epochs at the beginning of a trial of `epochs` after which it is first looked at."""
    return math.ceil(epochs / PARTS_BEFORE)


def quantile(ascending: Sequence[float], rank: float) -> float:
    """The number at `rank` (0 to 1) of sorted numbers, of which there must be one.

    Between two of them it is interpolated, linearly.
    """
    below, share = divmod(rank * (len(ascending) - 1), 1)
    lower = ascending[int(below)]
    if not share:
        return lower
    upper = ascending[int(below) + 1]
    if not math.isfinite(upper - lower):  # two that are far apart, or one that is no number
        return lower * (1 - share) + upper * share
    # from the nearer end, to the last bit as NumPy: a trial that has just this value is not below it
    return lower + (upper - lower) * share if share < 0.5 else upper - (upper - lower) * (1 - share)
