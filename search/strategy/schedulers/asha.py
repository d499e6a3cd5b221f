"""`asha`: asynchronous successive halving. Li et al. 2018, arXiv:1810.05934.

The best third goes on at each rung.
"""

from bisect import insort

from ..base import GO, STOP, Decision, Scheduler
from ..curves import Curves
from .registry import SCHEDULERS

# A third: Hyperband's authors recommend 3 or 4 (arXiv:1603.06560, section 3.6); Optuna takes 4.
FACTOR = 3

# A ninth leaves room for two cuts, at 1/9 and 1/3 of the epochs; docs/strategies.md has what an earlier one would do.
FIRST_RUNG = FACTOR**2


class SuccessiveHalving(Scheduler):
    """Lets the best third of the trials pass each rung.

    Rungs are at `first` epochs (1 or more), three times that, nine times that and so on. A trial is compared with those
    that have reached the rung, without waiting for others; so the first one passes, as nobody is there to be better.
    """

    def __init__(self, first: int) -> None:
        self._first = first
        self._scores: dict[int, list[float]] = {}  # ascending, by the epoch of the rung

    def on_report(self, curves: Curves, trial: int) -> Decision:
        """Stop the trial if it is at a rung, not in its best third, and not complete."""
        curve = curves[trial]
        if not self._is_rung(curve.epoch):
            return GO
        score, scores = curve.scores[curve.epoch], self._scores.setdefault(curve.epoch, [])
        insort(scores, score)
        passing = max(1, len(scores) // FACTOR)
        return GO if curve.complete or score >= scores[-passing] else STOP

    def _is_rung(self, epoch: int) -> bool:
        rung = self._first
        while rung < epoch:
            rung *= FACTOR
        return rung == epoch


@SCHEDULERS.register("asha")
def asha(epochs: int) -> SuccessiveHalving:
    """Halve with a first rung at a ninth of the epochs."""
    # 1: short trainings have an epoch to be judged by, too
    return SuccessiveHalving(max(1, epochs // FIRST_RUNG))
