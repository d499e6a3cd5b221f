"""Claims: a trial is taken, or drawn and made, in one transaction.

It has the study for itself from the first statement, which reads all that a choice and a draw need; then the trial is
made or read, then all is written: three round trips to a server. Reports of other coordinators wait for that, their
trainings do not.

Claims are made one at a time: most of their CPU time is drawing, which has to see the trials that were drawn before.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Generic

from optuna.trial import FrozenTrial, TrialState

from .. import attributes
from ..store.exclusive import exclusive
from ..store.rows import Transaction
from ..store.study_reader import number_or_none
from ..store.tables import FIXED
from .choice import Begin, Resume
from .feed import Feed
from .holdings import Held, Holdings
from .record import Record
from .terms import Beginning, Claim, Exhausted, NoClaim, Opening, Plan, Refused, Settled, Stopped

AT_ONCE = 100
"""Paused trials that are told PRUNED in one transaction: others who write wait for it."""


@dataclass(frozen=True, slots=True)
class Counts:
    """The number of a study's trials by state; `paused` ones wait at a rung.

    Those that another program runs are left out: a search must not wait for them.
    """

    finished: int
    running: int
    paused: int
    waiting: int

    @property
    def begun(self) -> int:
        """The trials that count against a total."""
        return self.finished + self.running + self.paused


@dataclass(frozen=True, slots=True)
class Step(Generic[Claim]):
    """What a claim has come to: its `answer`, and the trials that were `begun`, by number."""

    answer: Claim | NoClaim
    begun: Mapping[int, Held] = field(default_factory=dict)


Owner = Mapping[str, Any]
What = Callable[[Transaction, Owner], Step[Claim] | None]
"""What is done in the transaction of a claim, given the owner that it writes down; None where it cannot be done."""


class Claims(Generic[Claim]):
    """Claims for `holdings`.

    `begin` says what a trial begins with, `feed` reads what it is drawn from, `record` what choices follow from.
    """

    def __init__(
        self,
        holdings: Holdings,
        begin: Callable[[Opening], Beginning[Claim] | Exhausted],
        feed: Feed,
        record: Record,
    ) -> None:
        self._holdings, self._begin, self._feed, self._record = holdings, begin, feed, record
        lock = exclusive(holdings.study._storage, holdings.study.study_name)
        # a server lets transactions in by their turn; to an SQLite file whoever asks at the right moment has access
        self._queue = lock.hold if holdings.on_one_machine else nullcontext

    def counts(self) -> Counts:
        """The number of trials of the study by state, as of the last census."""
        census, mine = self._holdings.census, self._holdings.ids
        foreign = sum(trial._trial_id not in mine for trial in census.foreign)
        return Counts(census.finished, len(census.running) - foreign, len(census.paused), len(census.waiting))

    def claim(self, limit: int | None, plan: Plan, only: Collection[int] | None = None) -> Claim | NoClaim | None:
        """Take a waiting trial, or the one that `plan` chooses, paused or new, and begin it.

        None where there is none: `limit` trials have begun, if there is a limit, together with those of other
        coordinators, and none of the paused ones is to go on yet. Settled where none of them ever is. Exhausted where
        there is nothing new to begin. With `only` nothing but these trials is taken or ended.

        A waiting trial that cannot be run is told FAIL: what was enqueued is not in the space, or another version saved
        its configuration. One that was to be stopped is told PRUNED.
        """
        holdings = self._holdings
        with self._queue(), holdings.transaction() as rows:
            owner, epochs, census = holdings.owner(rows), self._record.news(rows), holdings.census.read(rows)
            census()
            plan.decide(holdings.census.judged(epochs()))
            step = None
            while step is None and (what := self._choose(limit, plan, only)):
                if (step := what(rows, owner())) is None:  # another program had told the trial that was paused
                    holdings.census.read(rows)()
        self._record.commit()
        if step is None:
            return None
        holdings.mine.update(step.begun)
        return step.answer

    def _choose(self, limit: int | None, plan: Plan, only: Collection[int] | None) -> "What[Claim] | None":
        """What comes next, to be done; None where that is to wait."""
        # one of ours that somebody has put back goes on where it is, see Holdings.fences, and has begun
        counts, census, mine, ids = self.counts(), self._holdings.census, self._holdings.mine, self._holdings.ids
        waiting = [trial for trial in census.waiting if trial._trial_id not in ids]
        put_back = counts.waiting - len(waiting)
        if only is not None:
            chosen = (trial for trial in waiting if trial.number in only)
            return next((partial(self._continue, trial.number, trial._trial_id) for trial in chosen), None)
        can_begin = limit is None or counts.begun + put_back < limit
        is_idle = not (counts.running or put_back or mine)
        for trial in waiting:
            if trial.user_attrs.get(attributes.DECISION):
                return partial(self._stop, trial)
        if waiting and can_begin:
            return partial(self._continue, waiting[0].number, waiting[0]._trial_id)
        # one of ours that was taken for orphaned trains here still
        paused = census.paused if mine.keys().isdisjoint(census.paused.keys()) else census.paused.keys() - mine.keys()
        complete, census.complete = census.complete, []
        match plan.choose(paused, complete, can_begin=can_begin, is_idle=is_idle):
            case Resume(number):
                return partial(self._continue, number, census.paused[number])
            case Begin() if can_begin:
                return partial(self._new, census.size)
        return partial(self._settle, list(paused)[:AT_ONCE]) if is_idle and paused else None

    def _new(self, number: int, rows: Transaction, owner: Owner) -> "Step[Claim]":
        """Draw and create trial `number`."""
        opening = Opening(number, 1, self._feed.news)
        beginning = self._begin(opening)
        if isinstance(beginning, Exhausted):
            return Step(beginning)
        trial_id = rows.create(number)
        return self._write_beginning(rows, trial_id, owner, opening, beginning)

    def _continue(self, number: int, trial_id: int, rows: Transaction, owner: Owner) -> "Step[Claim] | None":
        """Begin a waiting or paused trial; None where another program has taken or told it."""
        trials = self._free(rows, [(number, trial_id)])
        if not trials:
            return None
        (trial,) = trials
        if trial.state is TrialState.WAITING:  # a paused one keeps the time of its start
            rows.begin(trial_id, {attributes.OWNER: owner})
        opening = Opening(
            trial.number,
            generation=int(trial.user_attrs.get(attributes.GENERATION, 0)) + 1,
            news=self._feed.news,
            fixed=trial.system_attrs.get(FIXED, {}),
            params=trial.params,
            attributes=trial.user_attrs,
            curve=trial.intermediate_values,
        )
        beginning = self._begin(opening)
        if isinstance(beginning, Exhausted):  # somebody has enqueued a trial without any value
            words = f"each of the {beginning.configurations} configurations of the {beginning.scope} was tried"
            beginning = Beginning(None, refusal=words)
        return self._write_beginning(rows, trial_id, owner, opening, beginning)

    def _write_beginning(
        self, rows: Transaction, trial_id: int, owner: Owner, opening: Opening, beginning: Beginning[Claim]
    ) -> "Step[Claim]":
        """Write what a trial begins with, and its owner; or that it failed."""
        drawn = {name: value for name, value in beginning.params.items() if name not in opening.params}
        rows.add_params(trial_id, drawn, beginning.distributions)
        notes = {attributes.OWNER: owner, attributes.GENERATION: opening.generation, **beginning.attributes}
        if opening.attributes.get(attributes.PAUSED):
            notes |= {attributes.PAUSED: None, attributes.DECISION: None}
        if beginning.claim is None:
            rows.set_attributes(trial_id, {**notes, attributes.OWNER: None, attributes.ERROR: beginning.refusal})
            rows.set_state(trial_id, TrialState.FAIL)
            return Step(Refused(opening.number, {**opening.params, **beginning.params}, beginning.refusal))
        rows.set_attributes(trial_id, notes)
        return Step(beginning.claim, {opening.number: Held(trial_id, opening.generation)})

    def _stop(self, waiting: FrozenTrial, rows: Transaction, owner: Owner) -> "Step[Claim] | None":
        """End a waiting trial that was to be stopped; None where another program has taken it."""
        for trial in self._free(rows, [(waiting.number, waiting._trial_id)]):
            value = _last_value(trial)
            self._holdings.tell_pruned(rows, trial._trial_id, value)
            return Step(Stopped(trial.number, trial.params, value))
        return None

    def _settle(self, numbers: Sequence[int], rows: Transaction, owner: Owner) -> "Step[Claim] | None":
        """End trials that are paused and are not to go on; None where other programs have ended all of them."""
        settled = []
        for trial in self._free(rows, [(number, self._holdings.census.paused[number]) for number in numbers]):
            rung, value = trial.user_attrs[attributes.PAUSED]["rung"], _last_value(trial)
            rows.set_attributes(trial._trial_id, {attributes.PAUSED: None})
            self._holdings.tell_pruned(rows, trial._trial_id, value)
            settled.append(Stopped(trial.number, trial.params, value, rung))
        return Step(Settled(settled)) if settled else None

    def _free(self, rows: Transaction, chosen: Sequence[tuple[int, int]]) -> list[FrozenTrial]:
        """Those of the trials (number, id) that are to be begun: they wait, or are paused at a rung.

        Nobody else takes them until the transaction ends. The others are looked at again.
        """
        ids = [trial_id for _, trial_id in chosen]
        rows.states(ids)  # which keeps others out
        trials = [trial for trial in rows.trials(ids)() if _is_free(trial)]
        for number in {number for number, _ in chosen} - {trial.number for trial in trials}:
            self._holdings.census.look_again(number)
        return trials


def _is_free(trial: FrozenTrial) -> bool:
    is_paused = trial.state is TrialState.RUNNING and bool(trial.user_attrs.get(attributes.PAUSED))
    return trial.state is TrialState.WAITING or is_paused


def _last_value(trial: FrozenTrial) -> float | None:
    """The objective of the last epoch that a trial reported; None for none, and where it is no number."""
    last = max(trial.intermediate_values, default=None)
    return None if last is None else number_or_none(trial.intermediate_values[last])
