"""Decisions on the next epochs of a study's record, and choices for free workers."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from ...spaces.space import SearchSpace
from ...studies.book.terms import Decided, Row
from ...studies.book.terms import Pause as PauseTrial
from ...studies.book.terms import Stop as StopTrial
from .base import WAIT, Choice, Go, Pause, Resume, Scheduler, Stop
from .curves import Curves
from .outlook import Outlook

FIRST_GUESS = 0
"""The number of the trial that is made of the priors of a space, or of what its user has put before them."""


class Decide:
    """What `scheduler`, which sees every row of the record once, makes of the trials of a study.

    Where there `is_first_guess` the first trial is never paused: the best is compared with what it comes to, and one
    who knows the field has chosen it.
    """

    def __init__(self, scheduler: Scheduler, curves: Curves, *, is_first_guess: bool = False) -> None:
        self.rungs, self.one_in = scheduler.rungs, scheduler.one_in
        self._scheduler, self._curves = scheduler, curves
        self._is_first_guess = is_first_guess
        self._outlook: Outlook | None = None

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
        choice = self._scheduler.choose(self._curves, paused, can_begin=can_begin, is_idle=is_idle)
        if choice == WAIT and self._outlook and paused:
            return Resume(self._outlook.best(paused))
        return choice

    def spend(self, space: SearchSpace, params: Mapping[int, Mapping[str, Any]]) -> None:
        """Let whatever is paused go on from now on, the most promising first, where the scheduler would have none.

        `params` are those of all trials of `space`, by number.
        """
        self._outlook = Outlook(space, self._curves, params)

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
                goes_on = self._is_first_guess and row.number == FIRST_GUESS
                return None if goes_on else PauseTrial(row.epoch, rung)
