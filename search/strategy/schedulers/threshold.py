"""`threshold`: what a trial must have reached by an epoch.

It is for those who know what is too bad to go on: accuracy by chance, say, or a loss that has run away.
"""

import math

from ....errors import SpaceError
from ..base import GO, STOP, Decision, Scheduler
from ..curves import WORST, Curves
from .percentile import warm_up
from .registry import SCHEDULERS


class Threshold(Scheduler):
    """Stops a trial whose best value is worse than `bound` at epoch `by` (from 1) or later.

    It compares with no other trial. A trial whose values are no numbers is stopped there, too, whatever `bound` is.
    """

    def __init__(self, bound: float | None, by: int) -> None:
        self._bound, self._by = bound, by

    def on_report(self, curves: Curves, trial: int) -> Decision:
        """Stop the trial if it is not complete, not at its beginning, and has not reached the bound."""
        curve = curves[trial]
        if curve.complete or curve.epoch < self._by:
            return GO
        least = WORST if self._bound is None else curves.score_of(self._bound)
        return STOP if curve.best == WORST or curve.best < least else GO


@SCHEDULERS.register("threshold")
def threshold(epochs: int, bound: float | None = None, by: int | None = None) -> Threshold:
    """Stop what has not reached `bound` by epoch `by`, by default the first after a sixth of `epochs`.

    `bound` is a value of the objective: at least that where it is maximised, at most that where it is minimised.
    Without one only that is stopped which is no number.

    Raises:
        SpaceError: `bound` is no number, or there is no such epoch.
    """
    if bound is not None and math.isnan(bound):
        raise SpaceError("--pruner threshold:V,E needs a number V to be reached, got nan")
    if by is not None and not 1 <= by <= epochs:
        raise SpaceError(f"--pruner threshold:V,E needs an epoch E from 1 to {epochs}, got {by}")
    return Threshold(bound, warm_up(epochs) + 1 if by is None else by)
