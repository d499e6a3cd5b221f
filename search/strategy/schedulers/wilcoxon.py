"""`wilcoxon`: a paired test against the best complete trial. Wilcoxon 1945, Individual comparisons by ranking methods.

The signed-rank test is made for values that can come in any order: those of folds (`data.folds`), or of problems that
a trial is tried on one after the other, each paired with that of the best trial at the same place. Epochs of a curve
are paired, too, but each follows from the one before, so that its p is too small and what begins slowly is stopped.
"""

import math
from typing import Any

from scipy import stats

from ....errors import SpaceError
from ..base import GO, STOP, Decision, Scheduler
from ..curves import Curves
from .percentile import warm_up
from .registry import SCHEDULERS

# With four pairs the least p that the one-sided test can have is 1/16, with three 1/8: above the usual 0.1.
PAIRS_BEFORE = 4


class Wilcoxon(Scheduler):
    """Stops a trial that is worse than the best complete one, at significance `p` of the one-sided test.

    It compares what both had at the same epochs, after the first sixth of `epochs` and at four of them at least. A
    trial whose mean is not below that of the best is not stopped, nor one that has values that are no numbers.
    """

    def __init__(self, epochs: int, p: float) -> None:
        self._warm_up, self._p = warm_up(epochs), p

    def on_report(self, curves: Curves, trial: int) -> Decision:
        """Stop the trial if it is not complete, past the warm-up, and significantly worse."""
        curve, best = curves[trial], curves.best_complete()
        if curve.complete or best is None or curve.epoch <= self._warm_up:
            return GO
        differences = [score - best.parts[epoch] for epoch, score in curve.parts.items() if epoch in best.parts]
        if len(differences) < PAIRS_BEFORE or not math.isfinite(total := sum(differences)) or total >= 0:
            return GO
        return STOP if _p_of(differences) < self._p else GO


def _p_of(differences: list[float]) -> float:
    """The probability of differences that low, were there none."""
    # zsplit: equal values count half for each side; the other ways leave nothing where all are equal
    test: Any = stats.wilcoxon(differences, alternative="less", zero_method="zsplit")
    return float(test.pvalue)


@SCHEDULERS.register("wilcoxon")
def wilcoxon(epochs: int, p: float = 0.1) -> Wilcoxon:
    """Stop what is worse than the best at significance `p`, above 0 and below 1.

    Raises:
        SpaceError: `p` is not.
    """
    if not 0 < p < 1:
        raise SpaceError(f"--pruner wilcoxon:P needs a significance P above 0 and below 1, got {p:g}")
    return Wilcoxon(epochs, p)
