"""`patient`: the median stopping rule for trials that have ceased to improve.

What is stopped must also have gone without a new best value for some epochs, as with early stopping (Prechelt 1998).
"""

from itertools import islice

from ....errors import SpaceError
from ..base import GO, STOP, Decision, Scheduler
from ..curves import Curves
from .median import median
from .registry import SCHEDULERS


class Patient(Scheduler):
    """Stops a trial that `impatient` stops, once its last `patience` epochs have brought no new best value."""

    def __init__(self, impatient: Scheduler, patience: int) -> None:
        self._impatient, self._patience = impatient, patience

    def on_report(self, curves: Curves, trial: int) -> Decision:
        """Decide as the other does, but let go on what has just improved, or has not had the epochs to."""
        decision = self._impatient.on_report(curves, trial)  # it has to see every report
        return GO if decision is STOP and self._improves(list(curves[trial].scores.values())) else decision

    def _improves(self, scores: list[float]) -> bool:
        before = scores[: -self._patience]
        return not before or max(islice(scores, len(before), None)) > max(before)


@SCHEDULERS.register("patient")
def patient(epochs: int, patience: int = 3) -> Patient:
    """Stop below the median after `patience` epochs without a new best value, at least 1.

    Raises:
        SpaceError: `patience` is less.
    """
    if patience < 1:
        raise SpaceError(f"--pruner patient:N waits for N epochs, at least 1, got {patience}")
    return Patient(median(epochs), patience)
