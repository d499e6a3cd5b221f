"""The book: every write of a search to a study's store.

The states of a trial here: RUNNING belongs to a living coordinator, or is paused at a rung (attribute `paused`, no
owner); WAITING is to be run, anew or from its checkpoint: enqueued, interrupted or orphaned; the rest is finished.

A trial is claimed in one exclusive step, which counts against the total, draws, and writes parameters, owner and
configuration in one transaction. Each claim has a generation, one more than the last. Every later write asks in its
own transaction whether the trial still has it: if not, somebody else has the trial, and nothing is written.

Other programs on Optuna write to the same study: they enqueue trials, run some of their own, and tell ours.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar

import optuna
from optuna.trial import TrialState

from .. import attributes
from ..store.patience import Patience
from ..store.rows import Transaction
from .claims import Claims, Counts
from .feed import Feed
from .holdings import FINISHED, Holdings
from .owner import GRACE_S
from .recovery import Recovery
from .terms import Beginning, Claim, Exhausted, Fence, Opening, Refused, Reports, Row, Stop, Stopped, TrialOutcome

Arguments = ParamSpec("Arguments")
Answer = TypeVar("Answer")

HEARTBEAT_S = 60.0
"""How often a coordinator says that it lives: five may be missed before its trials are taken over (GRACE_S)."""

_UNUSABLE = "constraints:usable"  # Optuna's mark of a violated constraint, as `Trial.set_constraint` writes it


def _patient(
    method: Callable[Concatenate["Book[Any]", Arguments], Answer],
) -> Callable[Concatenate["Book[Any]", Arguments], Answer]:
    """Repeat a method while the store is away: what it writes is one transaction, so it is done once."""

    @wraps(method)
    def repeated(book: "Book[Any]", /, *args: Arguments.args, **kwargs: Arguments.kwargs) -> Answer:
        return book._patience(lambda: method(book, *args, **kwargs))

    return repeated


class Book(Generic[Claim]):
    """One study, as one coordinator writes to it.

    `begin` says what a trial begins with; `now` is the time in seconds since the epoch, by a clock that is never set.
    Heartbeats on a database server have the server's time, as the clocks of several machines differ. With `patience` a
    store is waited for that is away.

    Raises:
        StudyError: the study is in no database that several coordinators can share.
    """

    def __init__(
        self,
        study: optuna.Study,
        begin: Callable[[Opening], Beginning[Claim] | Exhausted],
        now: Callable[[], float],
        patience: Patience | None = None,
    ) -> None:
        self._holdings, self._now, self._patience = Holdings(study, now), now, patience or Patience()
        self._feed = Feed(self._holdings.storage, study._study_id, study.direction)
        self._claims = Claims(self._holdings, begin, self._feed)
        self._recovery = Recovery(self._holdings, now, self._patience.note)
        self._last_row = 0
        self._seen: set[tuple[int, int]] = set()
        self._stops: dict[int, Stop] = {}
        self._last_heartbeat = now()

    @property
    def mine(self) -> tuple[int, ...]:
        """The trials this process is running."""
        return tuple(self._holdings.mine)

    @_patient
    def counts(self) -> Counts:
        """The number of trials of the study by state.

        Raises:
            StudyError: the study was deleted.
        """
        with self._holdings.transaction() as rows:
            return self._claims.counts(rows)

    @_patient
    def claim(self, limit: int) -> Claim | Refused | Stopped | Exhausted | None:
        """Take a waiting trial, or a new one, and begin it.

        None where `limit` trials have begun, together with those of other coordinators, and as long as another machine
        may be searching an SQLite file. Exhausted where there is nothing new to begin.

        A waiting trial that cannot be run is told FAIL: what was enqueued is not in the space, or another version saved
        its configuration. One that was to be stopped is told PRUNED.
        """
        return None if self._recovery.awaits_machine else self._claims.claim(limit)

    @_patient
    def report(self, epochs: Sequence[Row], decide: Callable[[Sequence[Row]], Mapping[int, Stop]]) -> Reports:
        """Record epochs of our trials, and what is decided on them; decisions are written before they are known.

        `decide` gets every epoch of the study that is new since the last call, in the order of the record, also those
        of other coordinators; it must not touch the store.

        note: an epoch that is repeated after a lost worker changes nothing: the first value of it stays.
        """
        with self._holdings.transaction() as rows:
            numbers = {epoch.number for epoch in epochs if epoch.number in self._holdings.mine}
            fences = self._holdings.fences(rows, numbers)
            held = {number for number, fence in fences.items() if fence.held}
            self._write_epochs(rows, [epoch for epoch in epochs if epoch.number in held])
            new = rows.epochs_after(self._last_row)
            unseen = [row for row in new if (row.number, row.epoch) not in self._seen]
            # kept until the transaction has ended: were it repeated, whoever decides must not see a row twice
            self._seen.update((row.number, row.epoch) for row in unseen)
            self._stops.update(decide([Row(row.number, row.epoch, row.value) for row in unseen]))
            # on what is reported just now: after a restart the record holds epochs on which others have decided
            reported = {(epoch.number, epoch.epoch) for epoch in epochs if epoch.number in held}
            stops = {number: stop for number, stop in self._stops.items() if (number, stop.epoch) in reported}
            for number, stop in stops.items():
                rows.set_attributes(self._holdings.mine[number].trial_id, {attributes.DECISION: {"stop": stop.epoch}})
        self._seen, self._stops = set(), {}
        self._last_row = new[-1].row if new else self._last_row
        lost = {number: fence for number, fence in fences.items() if not fence.held}
        for number in lost:
            del self._holdings.mine[number]
        return Reports(lost, stops)

    @_patient
    def reconcile(self, number: int, history: Sequence[Row]) -> list[int]:
        """Record the epochs of a trial's history that the study lacks; return them.

        Nothing is recorded for a trial that is not ours any more.
        """
        with self._holdings.transaction() as rows:
            return self._write_epochs(rows, history) if self._holdings.fences(rows, [number])[number].held else []

    @_patient
    def finish(self, number: int, outcome: TrialOutcome) -> Fence:
        """Tell how a trial ended.

        What is not usable is pruned, not failed, and violates a constraint: samplers skip FAIL, and must learn from
        these that the configuration is bad.
        """
        state = TrialState.COMPLETE if outcome.complete else TrialState.PRUNED
        with self._holdings.writing(number) as (rows, fence):
            if not fence.held:
                return fence
            trial_id = self._holdings.mine[number].trial_id
            rows.set_attributes(trial_id, outcome.notes)
            if not outcome.usable:
                rows.set_marks(trial_id, {_UNUSABLE: 1.0})
            # a trial that was pruned has the value that it reported last, as in Optuna
            value = outcome.value if outcome.complete else rows.last_value(trial_id)
            rows.tell(trial_id, state, value)
        del self._holdings.mine[number]
        return Fence(True, state)

    def fail(self, number: int, error: str) -> Fence:
        """Tell FAIL with `error`.

        That is for a bug, a worker that was lost too often, and a trial that cannot be run.
        """
        return self._leave(number, TrialState.FAIL, {attributes.ERROR: error})

    @_patient
    def count(self, number: int, loss: str) -> int | Fence:
        """Count a loss of a trial in its attribute `loss`; return how many there are, or that it is not ours."""
        with self._holdings.writing(number) as (rows, fence):
            if not fence.held:
                return fence
            trial_id = self._holdings.mine[number].trial_id
            losses = int(rows.attribute(loss, [trial_id]).get(trial_id, 0)) + 1
            rows.set_attributes(trial_id, {loss: losses})
        return losses

    def leave(self) -> None:
        """Wait no more for a store that is away, as the user ends the search; safe in a signal handler.

        Whatever is to be written to it then raises StoreAwayError.
        """
        self._patience.leave()

    def release(self, number: int) -> Fence:
        """Put a trial back to waiting, to be continued from its checkpoint."""
        return self._leave(number, TrialState.WAITING, {attributes.OWNER: None})

    def abandon(self) -> None:
        """Put all of our trials back to waiting, without patience: the process is about to end."""
        with self._holdings.transaction() as rows:
            for trial_id in self._holdings.held(rows):
                rows.set_attributes(trial_id, {attributes.OWNER: None})
                rows.set_state(trial_id, TrialState.WAITING)
        self._holdings.mine.clear()

    def excuse(self, number: int, error: str) -> Fence:
        """Put a trial that broke back to waiting, all its lost workers forgiven.

        It is for trials that broke by no fault of their own, as far as is known: what broke them may have hung or
        killed their workers, too.
        """
        notes = {attributes.BROKE: error, **dict.fromkeys(attributes.LOSSES, 0), attributes.OWNER: None}
        return self._leave(number, TrialState.WAITING, notes)

    def pause(self, number: int, rung: int) -> Fence:
        """Leave a trial at a rung, to be promoted or ended later: RUNNING, and nobody's."""
        return self._leave(number, TrialState.RUNNING, {attributes.PAUSED: {"rung": rung}, attributes.OWNER: None})

    @_patient
    def resume(self, number: int) -> Claim | Refused | None:
        """Begin a trial again that is paused at a rung; None where it is not, or not any more."""
        return self._claims.resume(number)

    @_patient
    def finished(self) -> list[int]:
        """The numbers of the trials that will not go on."""
        with self._holdings.transaction() as rows:
            return rows.numbers(FINISHED)

    @_patient
    def best(self, count: int) -> list[int]:
        """The `count` best complete trials that hpo ran, the best first."""
        with self._holdings.existing():
            return self._feed.best(count)

    @_patient
    def heartbeat(self) -> bool:
        """Renew our heartbeat once a minute; return whether it is time to look after the trials of others.

        It is not where this one was very late: what held it up may have held up those of the others.
        """
        now = self._now()
        age_s = now - self._last_heartbeat
        if age_s < HEARTBEAT_S:
            return False
        with self._holdings.transaction() as rows:
            for trial_id in self._holdings.held(rows):  # of the others the next report finds out
                rows.set_attributes(trial_id, {attributes.OWNER: self._holdings.owner(rows)})
        self._last_heartbeat = now
        return age_s < GRACE_S - HEARTBEAT_S  # else theirs, up to one period older than ours, may look too old

    @_patient
    def recover(self) -> list[int]:
        """Put the trials of dead coordinators back to waiting; return their numbers.

        It may be repeated, and killed in the middle.

        Raises:
            StudyError: the study is in an SQLite file, and another machine is searching it.
        """
        return self._recovery.recover()

    @_patient
    def _leave(self, number: int, state: TrialState, notes: Mapping[str, Any]) -> Fence:
        """Write the `state` in which a trial of ours is left."""
        with self._holdings.writing(number) as (rows, fence):
            if not fence.held:
                return fence
            rows.set_attributes(self._holdings.mine[number].trial_id, notes)
            if state is not fence.state:
                rows.set_state(self._holdings.mine[number].trial_id, state)
        del self._holdings.mine[number]
        return Fence(True, state)

    def _write_epochs(self, rows: Transaction, epochs: Sequence[Row]) -> list[int]:
        """Write epochs of our trials; return those that were not there yet."""
        ids = {number: self._holdings.mine[number].trial_id for number in {each.number for each in epochs}}
        there = rows.epochs(ids.values())
        first = {(ids[each.number], each.epoch): each.value for each in reversed(epochs)}
        new = [(*key, value) for key, value in reversed(first.items()) if key not in there]
        rows.add_epochs(new)
        return [epoch for _, epoch, _ in new]
