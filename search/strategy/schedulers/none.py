"""`none`: every trial runs to its end."""

from ..base import GO, Decision, Scheduler
from ..curves import Curves
from .registry import SCHEDULERS


class NoPruning(Scheduler):
    """Stops no trial."""

    def on_report(self, curves: Curves, trial: int) -> Decision:
        """Let the trial go on."""
        return GO


@SCHEDULERS.register("none")
def none(epochs: int) -> NoPruning:
    """Stop nothing, whatever the number of epochs."""
    return NoPruning()
