"""Decisions on the next epochs of a study's record, and choices for free workers."""

from collections.abc import Collection, Iterable, Mapping, Sequence

from ...studies.book.terms import Decided, Row
from ...studies.book.terms import Pause as PauseTrial
from ...studies.book.terms import Stop as StopTrial
from .base import Choice, Go, Pause, Scheduler, Stop
from .curves import Curves


class Decide:
    """What `scheduler`, which sees every row of the record once, makes of the trials of a study."""

    def __init__(self, scheduler: Scheduler, curves: Curves) -> None:
        self.rungs, self.one_in = scheduler.rungs, scheduler.one_in
        self._scheduler, self._curves = scheduler, curves

    def __call__(self, rows: Sequence[Row]) -> Mapping[int, Decided]:
        """Take the next rows; return the trials to stop or to pause, by number."""
        decisions = ((row.number, self._decide(row)) for row in rows)
        return {number: decision for number, decision in decisions if decision is not None}

    def end(self, trial: int) -> None:
        """Note that a trial ran to its end."""
        self._curves.end(trial)

    def choose(self, paused: Collection[int], complete: Iterable[int], *, can_begin: bool, is_idle: bool) -> Choice:
        """Choose what a free worker does, see Scheduler; `complete` are trials that ran to their end."""
        for trial in complete:
            self.end(trial)
        return self._scheduler.choose(self._curves, paused, can_begin=can_begin, is_idle=is_idle)

    def hopeless(self, paused: Collection[int], limit: int | None) -> Collection[int]:
        """The trials of `paused` that can never go on, see Scheduler."""
        return self._scheduler.hopeless(self._curves, paused, limit)

    def _decide(self, row: Row) -> Decided | None:
        if not self._curves.report(row.number, row.epoch, row.value):
            return None
        match self._scheduler.on_report(self._curves, row.number):
            case Go():
                return None
            case Stop():
                return StopTrial(row.epoch)
            case Pause(rung):
                return PauseTrial(row.epoch, rung)
