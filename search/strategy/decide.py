"""Decisions on the next epochs of a study's record."""

from collections.abc import Mapping, Sequence

from ...studies.book.terms import Row
from ...studies.book.terms import Stop as StopTrial
from .base import STOP, Scheduler
from .curves import Curves


class Decide:
    """Which trials to stop, by `scheduler`, which sees every row of the record once."""

    def __init__(self, scheduler: Scheduler, curves: Curves) -> None:
        self._scheduler, self._curves = scheduler, curves

    def __call__(self, rows: Sequence[Row]) -> Mapping[int, StopTrial]:
        """Take the next rows; return the trials to stop by number."""
        return {row.number: StopTrial(row.epoch) for row in rows if self._stops(row)}

    def end(self, trial: int) -> None:
        """Note that a trial ran to its end."""
        self._curves.end(trial)

    def _stops(self, row: Row) -> bool:
        is_new = self._curves.report(row.number, row.epoch, row.value)
        return is_new and self._scheduler.on_report(self._curves, row.number) == STOP
