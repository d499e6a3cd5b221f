"""Claims: a trial is taken, or drawn and made, in one exclusive step."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic

from optuna.trial import TrialState

from .. import attributes
from ..store.exclusive import exclusive
from ..store.rows import Transaction
from .feed import Feed, News
from .holdings import Held, Holdings
from .owner import is_foreign
from .terms import Beginning, Claim, Exhausted, Opening, Refused, Stopped

_FIXED = "fixed_params"  # Optuna's mark of what `enqueue_trial` was given


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
    """Claims for `holdings`; `begin` says what a trial begins with, `feed` reads what it is drawn from."""

    def __init__(
        self, holdings: Holdings, begin: Callable[[Opening], Beginning[Claim] | Exhausted], feed: Feed
    ) -> None:
        self._holdings, self._begin, self._feed = holdings, begin, feed
        self._exclusive = exclusive(holdings.study._storage, holdings.study.study_name)

    def counts(self, rows: Transaction) -> Counts:
        """The number of trials of the study by state."""
        census = self._holdings.census.read(rows)
        others = self._holdings.others(TrialState.RUNNING)
        notes = rows.attributes((attributes.OWNER, attributes.CONFIG, attributes.PAUSED), others) if others else {}
        begun = rows.with_values(others) if others else set()
        foreign = sum(is_foreign(notes.get(each, {}), each in begun) for each in others)
        paused = sum(bool(notes.get(each, {}).get(attributes.PAUSED)) for each in others)
        running = len(census.ids(TrialState.RUNNING)) - foreign - paused
        return Counts(census.finished, running, paused, waiting=len(census.ids(TrialState.WAITING)))

    def claim(self, limit: int) -> Claim | Refused | Stopped | Exhausted | None:
        """Take a waiting trial, or a new one, and begin it.

        None where `limit` trials have begun, together with those of other coordinators. Exhausted where there is
        nothing new to begin.

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
                    stopped = list(rows.attribute(attributes.DECISION, waiting)) if waiting else []
                    if not stopped and counts.begun + put_back >= limit:
                        return None
                    number = self._holdings.census.size
                if stopped:
                    answer: Claim | Refused | Stopped | Exhausted | None = self._settle(stopped[0])
                else:
                    answer = self._continue(waiting[0]) if waiting else self._new(number)
                if answer is not None:  # else another program, which does not know of the lock, was faster
                    return answer

    def resume(self, number: int) -> Claim | Refused | None:
        """Begin a trial again that is paused at a rung; None where it is not, or not any more."""
        with self._exclusive.hold():
            with self._holdings.transaction() as rows:
                trial_id = rows.id_of(number)
                if trial_id is None or not _is_free(rows, trial_id):
                    return None
            return self._continue(trial_id)

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
            fixed=trial.system_attrs.get(_FIXED, {}),
            params=trial.params,
            attributes=trial.user_attrs,
            curve=trial.intermediate_values,
        )
        beginning = self._begin(opening)
        if isinstance(beginning, Exhausted):  # somebody has enqueued a trial without any value
            words = f"each of the {beginning.configurations} configurations of the space was tried"
            beginning = Beginning(None, refusal=words)
        with self._holdings.transaction() as rows:
            if not _is_free(rows, trial_id):
                return None
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
            notes[attributes.PAUSED] = None
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

    def _news(self) -> News:
        with self._holdings.existing():
            return self._feed.news()


def _is_free(rows: Transaction, trial_id: int) -> bool:
    """Whether a trial is to be begun: it waits, or is paused at a rung."""
    state = rows.states([trial_id])[trial_id]
    is_paused = state is TrialState.RUNNING and bool(rows.attribute(attributes.PAUSED, [trial_id]).get(trial_id))
    return state is TrialState.WAITING or is_paused
