"""The book: every write of a search to a study's store.

The states of a trial here: RUNNING belongs to a living coordinator, or is paused at a rung (attribute `paused`, no
owner); WAITING is to be run, anew or from its checkpoint: enqueued, interrupted or orphaned; the rest is finished.

A trial is claimed in one exclusive step, which counts against the total, draws, and writes parameters, owner and
configuration in one transaction. Each claim has a generation, one more than the last. Every later write asks in its
own transaction whether the trial still has it: if not, somebody else has the trial, and nothing is written.

Other programs on Optuna write to the same study: they enqueue trials, run some of their own, and tell ours.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Generic

import optuna
from optuna.trial import FrozenTrial, TrialState

from ...common.display import visible
from ...errors import StudyError
from .. import attributes
from ..store.exclusive import exclusive
from ..store.heartbeats import silences
from ..store.rows import StudyGoneError, Transaction, backend_of, engine_of, transaction
from .census import Census
from .feed import Feed, News
from .owner import Owner, is_foreign, is_orphan, refuse_elsewhere
from .terms import Beginning, Claim, Fence, Opening, Refused, Reports, Row, Stop, Stopped, TrialOutcome

HEARTBEAT_S = 60.0
"""How often a coordinator says that it lives: five may be missed before its trials are taken over (GRACE_S)."""

FINISHED = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)
_FIXED = "fixed_params"  # Optuna's mark of what `enqueue_trial` was given
_UNUSABLE = "constraints:usable"  # Optuna's mark of a violated constraint, as `Trial.set_constraint` writes it


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
class _Held:
    """A trial of this coordinator."""

    trial_id: int
    generation: int


class Book(Generic[Claim]):
    """One study, as one coordinator writes to it.

    `begin` says what a trial begins with; `now` is the time in seconds since the epoch.

    Raises:
        StudyError: the study is in no database that several coordinators can share.
    """

    def __init__(
        self, study: optuna.Study, begin: Callable[[Opening], Beginning[Claim]], now: Callable[[], float]
    ) -> None:
        self._study, self._begin, self._now = study, begin, now
        self._name, self._study_id = study.study_name, study._study_id
        self._backend, self._engine = backend_of(study._storage), engine_of(study._storage)
        self._exclusive = exclusive(study._storage, self._name)
        self._feed = Feed(self._backend, self._study_id, study.direction)
        self._census = Census()
        self._mine: dict[int, _Held] = {}
        self._last_row = 0
        self._last_heartbeat = now()

    @property
    def mine(self) -> tuple[int, ...]:
        """The trials this process is running."""
        return tuple(self._mine)

    def counts(self) -> Counts:
        """The number of trials of the study by state.

        Raises:
            StudyError: the study was deleted.
        """
        with self._transaction() as rows:
            return self._counts(rows)

    def claim(self, limit: int) -> Claim | Refused | Stopped | None:
        """Take a waiting trial, or a new one, and begin it.

        None where `limit` trials have begun, together with those of other coordinators.

        A waiting trial that cannot be run is told FAIL: what was enqueued is not in the space, or another version saved
        its configuration. One that was to be stopped is told PRUNED.
        """
        with self._exclusive.hold():
            while True:
                with self._transaction() as rows:
                    # one of ours that somebody has put back goes on where it is, see _fence
                    ours = {held.trial_id for held in self._mine.values()}
                    counts = self._counts(rows)
                    waiting = [trial_id for trial_id in self._census.ids(TrialState.WAITING) if trial_id not in ours]
                    stopped = list(rows.attribute(attributes.DECISION, waiting)) if waiting else []
                    if not stopped and counts.begun >= limit:
                        return None
                    number = self._census.size
                if stopped:
                    answer: Claim | Refused | Stopped | None = self._settle(stopped[0])
                else:
                    answer = self._continue(waiting[0]) if waiting else self._new(number)
                if answer is not None:  # else another program, which does not know of the lock, was faster
                    return answer

    def report(self, epochs: Sequence[Row], decide: Callable[[Sequence[Row]], Mapping[int, Stop]]) -> Reports:
        """Record epochs of our trials, and what is decided on them; decisions are written before they are known.

        `decide` gets every epoch of the study that is new since the last call, in the order of the record, also those
        of other coordinators; it must not touch the store.

        note: an epoch that is repeated after a lost worker changes nothing: the first value of it stays.
        """
        with self._transaction() as rows:
            numbers = {epoch.number for epoch in epochs if epoch.number in self._mine}
            fences = self._fences(rows, numbers)
            held = {number for number, fence in fences.items() if fence.held}
            self._write_epochs(rows, [epoch for epoch in epochs if epoch.number in held])
            new = rows.epochs_after(self._last_row)
            decided = decide([Row(row.number, row.epoch, row.value) for row in new])
            stops = {number: stop for number, stop in decided.items() if number in held}
            for number, stop in stops.items():
                rows.set_attributes(self._mine[number].trial_id, {attributes.DECISION: {"stop": stop.epoch}})
        self._last_row = new[-1].row if new else self._last_row
        lost = {number: fence for number, fence in fences.items() if not fence.held}
        for number in lost:
            del self._mine[number]
        return Reports(lost, stops)

    def reconcile(self, number: int, history: Sequence[Row]) -> list[int]:
        """Record the epochs of a trial's history that the study lacks; return them.

        Nothing is recorded for a trial that is not ours any more.
        """
        with self._transaction() as rows:
            return self._write_epochs(rows, history) if self._fences(rows, [number])[number].held else []

    def finish(self, number: int, outcome: TrialOutcome) -> Fence:
        """Tell how a trial ended.

        What is not usable is pruned, not failed, and violates a constraint: samplers skip FAIL, and must learn from
        these that the configuration is bad.
        """
        state = TrialState.COMPLETE if outcome.complete else TrialState.PRUNED
        with self._writing(number) as (rows, fence):
            if not fence.held:
                return fence
            trial_id = self._mine[number].trial_id
            rows.set_attributes(trial_id, outcome.notes)
            if not outcome.usable:
                rows.set_marks(trial_id, {_UNUSABLE: 1.0})
            # a trial that was pruned has the value that it reported last, as in Optuna
            value = outcome.value if outcome.complete else rows.last_value(trial_id)
            _tell(rows, trial_id, state, value)
        del self._mine[number]
        return Fence(True, state)

    def fail(self, number: int, error: str) -> Fence:
        """Tell FAIL with `error`.

        That is for a bug, a worker that was lost too often, and a trial that cannot be run.
        """
        return self._leave(number, TrialState.FAIL, {attributes.ERROR: error})

    def count(self, number: int, loss: str) -> int | Fence:
        """Count a loss of a trial in its attribute `loss`; return how many there are, or that it is not ours."""
        with self._writing(number) as (rows, fence):
            if not fence.held:
                return fence
            trial_id = self._mine[number].trial_id
            losses = int(rows.attribute(loss, [trial_id]).get(trial_id, 0)) + 1
            rows.set_attributes(trial_id, {loss: losses})
        return losses

    def release(self, number: int) -> Fence:
        """Put a trial back to waiting, to be continued from its checkpoint."""
        return self._leave(number, TrialState.WAITING, {attributes.OWNER: None})

    def excuse(self, number: int, error: str) -> Fence:
        """Put a trial that broke back to waiting, its attempts forgiven.

        It is for trials that broke by no fault of their own, as far as is known.
        """
        notes = {attributes.BROKE: error, attributes.ATTEMPTS: 0, attributes.OWNER: None}
        return self._leave(number, TrialState.WAITING, notes)

    def pause(self, number: int, rung: int) -> Fence:
        """Leave a trial at a rung, to be promoted or ended later: RUNNING, and nobody's."""
        return self._leave(number, TrialState.RUNNING, {attributes.PAUSED: {"rung": rung}, attributes.OWNER: None})

    def resume(self, number: int) -> Claim | Refused | None:
        """Begin a trial again that is paused at a rung; None where it is not, or not any more."""
        with self._exclusive.hold():
            with self._transaction() as rows:
                trial_id = rows.id_of(number)
                if trial_id is None or not _is_free(rows, trial_id):
                    return None
            return self._continue(trial_id)

    def finished(self) -> list[int]:
        """The numbers of the trials that will not go on."""
        with self._transaction() as rows:
            return rows.numbers(FINISHED)

    def best(self, count: int) -> list[int]:
        """The `count` best complete trials that hpo ran, the best first."""
        with self._existing():
            return self._feed.best(count)

    def heartbeat(self) -> bool:
        """Renew our heartbeat once a minute; return whether it was due."""
        now = self._now()
        if now - self._last_heartbeat < HEARTBEAT_S:
            return False
        self._last_heartbeat = now
        with self._transaction() as rows:
            for number, fence in self._fences(rows, self._mine).items():
                if fence.held:  # else its next report finds out
                    rows.set_attributes(self._mine[number].trial_id, {attributes.OWNER: self._me()})
        return True

    def recover(self) -> list[int]:
        """Put the trials of dead coordinators back to waiting; return their numbers.

        It may be repeated, and killed in the middle.

        Raises:
            StudyError: the study is in an SQLite file, and another machine is searching it.
        """
        with self._transaction() as rows:
            others = self._others(self._census.read(rows))
        running = [trial for trial in self._read(others) if trial.state is TrialState.RUNNING]
        silent, now = silences(self._backend, self._study_id) if running else {}, self._now()
        one_machine = self._engine.dialect.name == "sqlite"
        for trial in running if one_machine else ():
            refuse_elsewhere(trial.user_attrs.get(attributes.OWNER), now)
        orphans = [t for t in running if is_orphan(t, silent.get(t._trial_id), now, one_machine=one_machine)]
        with self._transaction() as rows:
            return [trial.number for trial in orphans if self._orphaned(rows, trial)]

    def _orphaned(self, rows: Transaction, trial: FrozenTrial) -> bool:
        """Put an orphan back to waiting; False where somebody has claimed or told it since it was read."""
        trial_id, generation = trial._trial_id, trial.user_attrs.get(attributes.GENERATION)
        same = rows.attribute(attributes.GENERATION, [trial_id]).get(trial_id) == generation
        if not same or rows.states([trial_id])[trial_id] is not TrialState.RUNNING:
            return False
        rows.set_attributes(trial_id, {attributes.OWNER: None})
        rows.set_state(trial_id, TrialState.WAITING)
        return True

    def _new(self, number: int) -> Claim | Refused | None:
        """Draw and create trial `number`; None where another program was faster to take that number."""
        opening = Opening(self._study, number, 1, self._news)
        beginning = self._begin(opening)
        with self._transaction() as rows:
            if rows.size() != number:
                return None
            trial_id = rows.create(number)
            self._write_beginning(rows, trial_id, opening, beginning)
        return self._begun(trial_id, opening, beginning)

    def _continue(self, trial_id: int) -> Claim | Refused | None:
        """Begin a waiting or paused trial; None where another program was faster to take it."""
        (trial,) = self._read([trial_id])
        opening = Opening(
            self._study,
            trial.number,
            generation=int(trial.user_attrs.get(attributes.GENERATION, 0)) + 1,
            news=self._news,
            fixed=trial.system_attrs.get(_FIXED, {}),
            params=trial.params,
            attributes=trial.user_attrs,
            curve=trial.intermediate_values,
        )
        beginning = self._begin(opening)
        with self._transaction() as rows:
            if not _is_free(rows, trial_id):
                return None
            rows.set_state(trial_id, TrialState.RUNNING)
            self._write_beginning(rows, trial_id, opening, beginning)
        return self._begun(trial_id, opening, beginning)

    def _write_beginning(self, rows: Transaction, trial_id: int, opening: Opening, beginning: Beginning[Claim]) -> None:
        """Write what a trial begins with, and its owner; or that it failed."""
        drawn = {name: value for name, value in beginning.params.items() if name not in opening.params}
        rows.add_params(trial_id, drawn, beginning.distributions)
        notes = {attributes.OWNER: self._me(), attributes.GENERATION: opening.generation, **beginning.attributes}
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
        self._mine[opening.number] = _Held(trial_id, opening.generation)
        return beginning.claim

    def _settle(self, trial_id: int) -> Stopped | None:
        """End a trial that was to be stopped; None where another program was faster."""
        (trial,) = self._read([trial_id])
        with self._transaction() as rows:
            if not _is_free(rows, trial_id):
                return None
            value = rows.last_value(trial_id)
            _tell(rows, trial_id, TrialState.PRUNED, value)
        return Stopped(trial.number, trial.params, value)

    def _leave(self, number: int, state: TrialState, notes: Mapping[str, Any]) -> Fence:
        """Write the `state` in which a trial of ours is left."""
        with self._writing(number) as (rows, fence):
            if not fence.held:
                return fence
            rows.set_attributes(self._mine[number].trial_id, notes)
            rows.set_state(self._mine[number].trial_id, state)
        del self._mine[number]
        return Fence(True, state)

    @contextmanager
    def _writing(self, number: int) -> Iterator[tuple[Transaction, Fence]]:
        """A transaction on a trial of ours; it is forgotten where it is no longer ours."""
        with self._transaction() as rows:
            fence = self._fences(rows, [number])[number]
            yield rows, fence
        if not fence.held:
            del self._mine[number]

    def _fences(self, rows: Transaction, numbers: Iterable[int]) -> dict[int, Fence]:
        """Whether trials are still ours."""
        held = {number: self._mine[number] for number in numbers}
        ids = [each.trial_id for each in held.values()]
        states, generations = rows.states(ids), rows.attribute(attributes.GENERATION, ids)
        return {number: self._fence(rows, each, states, generations) for number, each in held.items()}

    def _fence(
        self, rows: Transaction, held: _Held, states: Mapping[int, TrialState], generations: Mapping[int, Any]
    ) -> Fence:
        state = states[held.trial_id]
        if state in FINISHED or generations.get(held.trial_id) != held.generation:
            return Fence(False, state)
        if state is TrialState.WAITING:  # it was taken for orphaned, and nobody has begun it: it goes on here
            rows.set_attributes(held.trial_id, {attributes.OWNER: self._me()})
            rows.set_state(held.trial_id, TrialState.RUNNING)
        return Fence(True, TrialState.RUNNING)

    def _write_epochs(self, rows: Transaction, epochs: Sequence[Row]) -> list[int]:
        """Write epochs of our trials; return those that were not there yet."""
        ids = {number: self._mine[number].trial_id for number in {each.number for each in epochs}}
        there = rows.epochs(ids.values())
        first = {(ids[each.number], each.epoch): each.value for each in reversed(epochs)}
        new = [(*key, value) for key, value in reversed(first.items()) if key not in there]
        rows.add_epochs(new)
        return [epoch for _, epoch, _ in new]

    def _counts(self, rows: Transaction) -> Counts:
        census = self._census.read(rows)
        others = self._others(census)
        notes = rows.attributes((attributes.OWNER, attributes.CONFIG, attributes.PAUSED), others) if others else {}
        begun = rows.with_values(others) if others else set()
        foreign = sum(is_foreign(notes.get(each, {}), each in begun) for each in others)
        paused = sum(bool(notes.get(each, {}).get(attributes.PAUSED)) for each in others)
        running = len(census.ids(TrialState.RUNNING)) - foreign - paused
        return Counts(census.finished, running, paused, waiting=len(census.ids(TrialState.WAITING)))

    def _others(self, census: Census) -> list[int]:
        """The ids of the running trials that are not ours."""
        ours = {held.trial_id for held in self._mine.values()}
        return [trial_id for trial_id in census.ids(TrialState.RUNNING) if trial_id not in ours]

    def _read(self, trial_ids: Sequence[int]) -> list[FrozenTrial]:
        """Trials by id, as Optuna reads them."""
        above_all = 2**31 - 1
        return self._backend._get_trials(self._study_id, None, set(trial_ids), above_all) if trial_ids else []

    def _me(self) -> dict[str, Any]:
        return Owner.me().as_attribute(self._now())

    def _news(self) -> News:
        with self._existing():
            return self._feed.news()

    @contextmanager
    def _transaction(self) -> Iterator[Transaction]:
        with self._existing(), transaction(self._engine, self._study_id) as rows:
            yield rows

    @contextmanager
    def _existing(self) -> Iterator[None]:
        """Say so where the study was deleted."""
        try:
            yield
        except StudyGoneError:
            raise StudyError(f"study {visible(self._name)} was deleted while it was searched") from None


def _is_free(rows: Transaction, trial_id: int) -> bool:
    """Whether a trial is to be begun: it waits, or is paused at a rung."""
    state = rows.states([trial_id])[trial_id]
    is_paused = state is TrialState.RUNNING and bool(rows.attribute(attributes.PAUSED, [trial_id]).get(trial_id))
    return state is TrialState.WAITING or is_paused


def _tell(rows: Transaction, trial_id: int, state: TrialState, value: float | None) -> None:
    if value is not None:
        rows.set_value(trial_id, value)
    rows.set_state(trial_id, state)
