"""Claims: a trial is taken, or drawn and made, in one exclusive step.

They are made one at a time: of the CPU time of 16 claims in a row two thirds are drawing, which has to see the trials
that were drawn before; a batch would save the rest, 2.5 ms a claim, and only where many workers are free at once.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Generic

from optuna.trial import TrialState

from .. import attributes
from ..store.exclusive import exclusive
from ..store.rows import Transaction
from ..store.tables import FIXED
from .choice import Begin, Resume
from .feed import Feed, News
from .holdings import Held, Holdings
from .owner import is_foreign
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
        self._exclusive = exclusive(holdings.study._storage, holdings.study.study_name)

    def counts(self, rows: Transaction) -> Counts:
        """The number of trials of the study by state."""
        census = self._holdings.census.read(rows)
        others = self._holdings.others(TrialState.RUNNING)
        notes = rows.attributes((attributes.OWNER, attributes.CONFIG), others) if others else {}
        begun = rows.with_values(others) if others else set()
        foreign = sum(is_foreign(notes.get(each, {}), each in begun) for each in others)
        running = len(census.ids(TrialState.RUNNING)) - foreign
        return Counts(census.finished, running, len(census.paused), waiting=len(census.ids(TrialState.WAITING)))

    def claim(self, limit: int | None, plan: Plan) -> Claim | NoClaim | None:
        """Take a waiting trial, or the one that `plan` chooses, paused or new, and begin it.

        None where there is none: `limit` trials have begun, if there is a limit, together with those of other
        coordinators, and none of the paused ones is to go on yet. Settled where none of them ever is. Exhausted where
        there is nothing new to begin.

        A waiting trial that cannot be run is told FAIL: what was enqueued is not in the space, or another version saved
        its configuration. One that was to be stopped is told PRUNED.
        """
        with self._exclusive.hold():
            while True:
                with self._holdings.transaction() as rows:
                    # one of ours that somebody has put back goes on where it is, see Holdings.fences, and has begun
                    counts = self.counts(rows)
                    waiting = self._holdings.others(TrialState.WAITING)
                    put_back = counts.waiting - len(waiting)
                    decisions = rows.attribute(attributes.DECISION, waiting) if waiting else {}
                    plan.decide(self._record.news(rows))
                self._record.commit()
                stopped = [trial_id for trial_id, decision in decisions.items() if decision]
                can_begin = limit is None or counts.begun + put_back < limit
                is_idle = not (counts.running or put_back or self._holdings.mine)
                if stopped:
                    answer: Claim | NoClaim | None = self._settle(stopped[0])
                elif waiting and can_begin:
                    answer = self._continue(waiting[0])
                else:
                    chosen = self._choose(plan, can_begin=can_begin, is_idle=is_idle)
                    if chosen is None:
                        return None
                    answer = chosen()
                if answer is not None:  # else another program, which does not know of the lock, was faster
                    return answer

    def _choose(self, plan: Plan, *, can_begin: bool, is_idle: bool) -> Callable[[], Claim | NoClaim | None] | None:
        """What `plan` chooses, to be done; None where that is to wait."""
        census, mine = self._holdings.census, self._holdings.mine
        # one of ours that was taken for orphaned trains here still
        paused = census.paused if mine.keys().isdisjoint(census.paused.keys()) else census.paused.keys() - mine.keys()
        complete, census.complete = census.complete, []
        match plan.choose(paused, complete, can_begin=can_begin, is_idle=is_idle):
            case Resume(number):
                return partial(self._resume, number)
            case Begin() if can_begin:
                return partial(self._new, census.size)
        return partial(self._settle_all, list(paused)[:AT_ONCE]) if is_idle and paused else None

    def _resume(self, number: int) -> Claim | Refused | None:
        """Begin a trial again that is paused at a rung; None where it is not any more."""
        answer = self._continue(self._holdings.census.paused[number])
        if answer is None:
            self._holdings.census.look_again(number)
        return answer

    def _new(self, number: int) -> Claim | Refused | Exhausted | None:
        """Draw and create trial `number`; None where another program was faster to take that number."""
        opening = Opening(number, 1, self._news)
        beginning = self._begin(opening)
        if isinstance(beginning, Exhausted):
            return beginning
        with self._holdings.transaction() as rows:
            if rows.has_newer(self._holdings.census.last_id):
                return None
            trial_id = rows.create(number)
            self._write_beginning(rows, trial_id, opening, beginning)
        return self._begun(trial_id, opening, beginning)

    def _continue(self, trial_id: int) -> Claim | Refused | None:
        """Begin a waiting or paused trial; None where another program was faster to take it."""
        (trial,) = self._holdings.read([trial_id])
        opening = Opening(
            trial.number,
            generation=int(trial.user_attrs.get(attributes.GENERATION, 0)) + 1,
            news=self._news,
            fixed=trial.system_attrs.get(FIXED, {}),
            params=trial.params,
            attributes=trial.user_attrs,
            curve=trial.intermediate_values,
        )
        beginning = self._begin(opening)
        if isinstance(beginning, Exhausted):  # somebody has enqueued a trial without any value
            words = f"each of the {beginning.configurations} configurations of the {beginning.scope} was tried"
            beginning = Beginning(None, refusal=words)
        with self._holdings.transaction() as rows:
            if not _is_free(rows, trial_id):
                return None
            if rows.states([trial_id])[trial_id] is TrialState.WAITING:  # a paused one keeps the time of its start
                rows.set_state(trial_id, TrialState.RUNNING)
            self._write_beginning(rows, trial_id, opening, beginning)
        return self._begun(trial_id, opening, beginning)

    def _write_beginning(self, rows: Transaction, trial_id: int, opening: Opening, beginning: Beginning[Claim]) -> None:
        """Write what a trial begins with, and its owner; or that it failed."""
        drawn = {name: value for name, value in beginning.params.items() if name not in opening.params}
        rows.add_params(trial_id, drawn, beginning.distributions)
        notes = {
            attributes.OWNER: self._holdings.owner(rows),
            attributes.GENERATION: opening.generation,
            **beginning.attributes,
        }
        if opening.attributes.get(attributes.PAUSED):
            notes |= {attributes.PAUSED: None, attributes.DECISION: None}
        if beginning.claim is None:
            rows.set_attributes(trial_id, {**notes, attributes.OWNER: None, attributes.ERROR: beginning.refusal})
            rows.set_state(trial_id, TrialState.FAIL)
        else:
            rows.set_attributes(trial_id, notes)

    def _begun(self, trial_id: int, opening: Opening, beginning: Beginning[Claim]) -> Claim | Refused:
        """Note what was written as ours."""
        if beginning.claim is None:
            return Refused(opening.number, {**opening.params, **beginning.params}, beginning.refusal)
        self._holdings.mine[opening.number] = Held(trial_id, opening.generation)
        return beginning.claim

    def _settle(self, trial_id: int) -> Stopped | None:
        """End a trial that was to be stopped; None where another program was faster."""
        (trial,) = self._holdings.read([trial_id])
        with self._holdings.transaction() as rows:
            if not _is_free(rows, trial_id):
                return None
            value = rows.last_value(trial_id)
            rows.tell(trial_id, TrialState.PRUNED, value)
        return Stopped(trial.number, trial.params, value)

    def _settle_all(self, numbers: Sequence[int]) -> Settled | None:
        """End trials that are paused and are not to go on; None where other programs have ended all of them."""
        ids = [self._holdings.census.paused[number] for number in numbers]
        trials = [trial for trial in self._holdings.read(ids) if trial._trial_id in ids]
        settled = []
        with self._holdings.transaction() as rows:
            for trial in trials:
                if _is_free(rows, trial._trial_id):
                    rung, value = trial.user_attrs[attributes.PAUSED]["rung"], rows.last_value(trial._trial_id)
                    rows.set_attributes(trial._trial_id, {attributes.PAUSED: None})
                    rows.tell(trial._trial_id, TrialState.PRUNED, value)
                    settled.append(Stopped(trial.number, trial.params, value, rung))
        for number in numbers:
            self._holdings.census.look_again(number)
        return Settled(settled) if settled else None

    def _news(self) -> News:
        with self._holdings.existing():
            return self._feed.news()


def _is_free(rows: Transaction, trial_id: int) -> bool:
    """Whether a trial is to be begun: it waits, or is paused at a rung."""
    state = rows.states([trial_id])[trial_id]
    is_paused = state is TrialState.RUNNING and bool(rows.attribute(attributes.PAUSED, [trial_id]).get(trial_id))
    return state is TrialState.WAITING or is_paused
