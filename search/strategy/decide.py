"""Decisions on the next epochs of a study's record, and choices for free workers."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ...spaces.space import SearchSpace
from ...studies.book.terms import Audited, Decided, Row
from ...studies.book.terms import Pause as PauseTrial
from ...studies.book.terms import Stop as StopTrial
from .audit import Audit, Withheld, WithheldTrials
from .base import GO, WAIT, Choice, Decision, Go, Pause, Resume, Scheduler
from .curves import Curves
from .history import Finished
from .outlook import Outlook

FIRST_GUESS = 0
"""The number of the trial that is made of the priors of a space, or of what its user has put before them."""


class Decide:
    """What `scheduler`, which sees every row of the record once, makes of the trials of a study.

    Where there `is_first_guess` the first trial is never paused: the best is compared with what it comes to, and one
    who knows the field has chosen it. Trials that are to be stopped and that `audit` takes run on to their end.
    """

    def __init__(
        self, scheduler: Scheduler, curves: Curves, *, is_first_guess: bool = False, audit: Audit | None = None
    ) -> None:
        # with several objectives a share is no bound: all that no other dominates go on in the end
        self.rungs, self.one_in = scheduler.rungs, () if curves.several else scheduler.one_in
        self._scheduler, self._curves = scheduler, curves
        self._is_first_guess = is_first_guess
        self._audit, self._withheld = audit or Audit(), WithheldTrials()
        self._resumed: list[int] = []
        self._outlook: Outlook | None = None

    def __call__(self, rows: Sequence[Row]) -> Mapping[int, Decided]:
        """Take the next rows; return the trials to stop or to pause, by number."""
        decisions = ((row.number, self._decide(row)) for row in rows)
        return {number: decision for number, decision in decisions if decision is not None}

    def end(self, trial: int) -> None:
        """Note that a trial ran to its end."""
        if not self._withheld.end(trial):
            self._curves.end(trial)

    def is_withheld(self, trial: int) -> bool:
        """Whether the scheduler takes an audited trial for stopped or paused, though it has run on."""
        return trial in self._withheld

    def as_stopped(self, trial: Finished) -> Finished:
        """An audited trial as it stood where it would have been stopped or paused."""
        number, epoch = trial.number, self._curves[trial.number].epoch
        value, others = self._curves.value(number), self._curves.others(number)
        return replace(trial, value=value, others=others, epoch=epoch, complete=False)

    def choose(self, paused: Collection[int], complete: Iterable[int], *, can_begin: bool, is_idle: bool) -> Choice:
        """Choose what a free worker does, see Scheduler; `complete` are trials that ran to their end."""
        for trial in complete:
            self.end(trial)
        choice = self._choose(paused, can_begin=can_begin, is_idle=is_idle)
        while isinstance(choice, Resume) and choice.number in self._withheld:  # it has run on meanwhile
            self._resume(choice.number)
            choice = self._choose(paused, can_begin=can_begin, is_idle=is_idle)
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

    def take_resumed(self) -> list[int]:
        """The audited trials that the scheduler has resumed since the last call."""
        resumed, self._resumed = self._resumed, []
        return resumed

    def _choose(self, paused: Collection[int], *, can_begin: bool, is_idle: bool) -> Choice:
        waiting = self._withheld.with_paused(paused)
        return self._scheduler.choose(self._curves, waiting, can_begin=can_begin, is_idle=is_idle)

    def _resume(self, trial: int) -> None:
        """Show the scheduler what an audited trial has reported since it was taken for paused."""
        withheld = self._withheld.pop(trial)
        self._resumed.append(trial)
        for count, row in enumerate(withheld.rows, start=1):
            if (decision := self._judge(row)) is not GO:
                self._withheld.add(trial, Withheld(decision, withheld.rows[count:], withheld.ended))
                return
        if withheld.ended:
            self._curves.end(trial)

    def _decide(self, row: Row) -> Decided | None:
        if row.number in self._withheld:
            self._withheld.report(row)
            return None
        decision = self._judge(row)
        if decision is GO:
            return None
        rung = decision.rung if isinstance(decision, Pause) else None
        if self._audit.takes(row.number):
            self._withheld.add(row.number, Withheld(decision))
            return Audited(row.epoch, rung)
        return StopTrial(row.epoch) if rung is None else PauseTrial(row.epoch, rung)

    def _judge(self, row: Row) -> Decision:
        """What the scheduler makes of a row; GO for one that it has seen before."""
        if not self._curves.report(row.number, row.epoch, row.value, row.others):
            return GO
        decision = self._scheduler.on_report(self._curves, row.number)
        goes_on = self._is_first_guess and row.number == FIRST_GUESS and isinstance(decision, Pause)
        return GO if goes_on or isinstance(decision, Go) else decision
