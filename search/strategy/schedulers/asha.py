"""`asha`: asynchronous successive halving. Li et al. 2018, arXiv:1810.05934.

The best third goes on at each rung.
"""

from bisect import insort

from ....errors import SpaceError
from ..base import GO, STOP, Decision, Scheduler
from ..curves import Curves
from .registry import SCHEDULERS

# A third: Hyperband's authors recommend 3 or 4 (arXiv:1603.06560, section 3.6); Optuna takes 4.
FACTOR = 3

# A ninth leaves room for two cuts, at 1/9 and 1/3 of the epochs; docs/strategies.md has what an earlier one would do.
CUTS = 2


class SuccessiveHalving(Scheduler):
    """Lets the best of the trials pass each rung, one in `factor`.

    Rungs are at `first` epochs (1 or more), `factor` times that, its square times that and so on. A trial is compared
    with those that have reached the rung, without waiting for others; so the first one passes, as nobody is there to be
    better.
    """

    def __init__(self, first: int, factor: int = FACTOR) -> None:
        self._first, self._factor = first, factor
        self._scores: dict[int, list[float]] = {}  # ascending, by the epoch of the rung

    def on_report(self, curves: Curves, trial: int) -> Decision:
        """Stop the trial if it is at a rung, not among its best, and not complete."""
        curve = curves[trial]
        if not self._is_rung(curve.epoch):
            return GO
        score, scores = curve.scores[curve.epoch], self._scores.setdefault(curve.epoch, [])
        insort(scores, score)
        passing = max(1, len(scores) // self._factor)
        return GO if curve.complete or score >= scores[-passing] else STOP

    def _is_rung(self, epoch: int) -> bool:
        rung = self._first
        while rung < epoch:
            rung *= self._factor
        return rung == epoch


@SCHEDULERS.register("asha")
def asha(epochs: int, factor: int = FACTOR) -> SuccessiveHalving:
    """Halve with a first rung at 1 / `factor`^2 of the epochs, a ninth by default.

    Raises:
        SpaceError: `factor` is below 2.
    """
    # 1: short trainings have an epoch to be judged by, too
    return SuccessiveHalving(max(1, epochs // checked(factor, "asha") ** CUTS), factor)


def checked(factor: int, name: str) -> int:
    """Return `factor` if it is one of which a part of the trials is left.

    Raises:
        SpaceError: it is not.
    """
    if factor < 2:
        raise SpaceError(f"--pruner {name}:N keeps one trial in N, at least 2, got {factor}")
    return factor
