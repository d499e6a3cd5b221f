"""The book: every write of a search to a study's store.

The states of a trial here: RUNNING belongs to a living coordinator, or is paused at a rung (attribute `paused`, no
owner); WAITING is to be run, anew or from its checkpoint: enqueued, interrupted or orphaned; the rest is finished.

A trial is claimed in one exclusive step, which counts against the total, draws, and writes parameters, owner and
configuration in one transaction. Each claim has a generation, one more than the last. Every later write asks in its
own transaction whether the trial still has it: if not, somebody else has the trial, and nothing is written.

Other programs on Optuna write to the same study: they enqueue trials, run some of their own, and tell ours.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import wraps
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar

import optuna

from .. import attributes
from ..store.patience import Patience
from ..waiting import GRACE_S
from .census import Census
from .claims import Claims, Counts
from .endings import Endings
from .feed import Feed
from .holdings import FINISHED, Holdings
from .pointers import Pointer, Pointers
from .record import Record
from .recovery import Recovery
from .reporting import Decide, Reporting
from .terms import (
    Beginning,
    Claim,
    Exhausted,
    Fence,
    FirstCome,
    NoClaim,
    Opening,
    Plan,
    Reports,
    Row,
    TrialOutcome,
)

Arguments = ParamSpec("Arguments")
Answer = TypeVar("Answer")

HEARTBEATS = 5
"""How many of its heartbeats a coordinator may miss before others take its trials over."""
HEARTBEAT_S = GRACE_S / HEARTBEATS
"""How often it says that it lives, where it has the grace of most."""

FIRST_COME = FirstCome()


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
    Heartbeats on a database server have the server's time, as the clocks of several machines differ; after `grace_s`
    seconds without one, others take over. With `patience` a store is waited for that is away.

    Raises:
        StudyError: the study is in no database that several coordinators can share.
    """

    def __init__(
        self,
        study: optuna.Study,
        begin: Callable[[Opening], Beginning[Claim] | Exhausted],
        now: Callable[[], float],
        patience: Patience | None = None,
        grace_s: float = GRACE_S,
    ) -> None:
        self._feed, self._record = Feed(study.directions), Record(several=len(study.directions) > 1)
        self._holdings = Holdings(study, Census(self._feed), now, grace_s)
        self._now, self._patience = now, patience or Patience()
        self._claims = Claims(self._holdings, begin, self._feed, self._record)
        self._reporting, self._endings = Reporting(self._holdings, self._record), Endings(self._holdings)
        self._recovery = Recovery(self._holdings, now, self._patience.note)
        self._pointers = Pointers(self._holdings)
        self._grace_s, self._last_look = grace_s, now()

    @property
    def mine(self) -> tuple[int, ...]:
        """The trials this process is running."""
        return tuple(self._holdings.mine)

    @property
    def direction(self) -> str:
        """That of the first objective, maximize or minimize."""
        return self._holdings.study.directions[0].name.lower()

    @_patient
    def counts(self) -> Counts:
        """The number of trials of the study by state.

        Raises:
            StudyError: the study was deleted.
        """
        self._look()
        return self._claims.counts()

    @property
    def paused(self) -> Collection[int]:
        """The trials that are paused at a rung, as of the last count."""
        return self._holdings.census.paused.keys()

    @_patient
    def claim(
        self, limit: int | None, plan: Plan = FIRST_COME, only: Collection[int] | None = None
    ) -> Claim | NoClaim | None:
        """Take a waiting trial, or the one that `plan` chooses, paused or new, and begin it.

        None where there is none: `limit` trials have begun, if there is a limit, together with those of other
        coordinators, and none of the paused ones is to go on yet; and as long as another machine may be searching an
        SQLite file. Settled where none of the paused ones ever is to go on. Exhausted where there is nothing new to
        begin. With `only` nothing but these trials is taken or ended.

        A waiting trial that cannot be run is told FAIL: what was enqueued is not in the space, or another version saved
        its configuration. One that was to be stopped is told PRUNED.
        """
        return None if self._recovery.awaits_machine else self._claims.claim(limit, plan, only)

    @_patient
    def catch_up(self, plan: Plan) -> None:
        """Let `plan` see the record as it is."""
        with self._holdings.look() as rows:
            epochs, census = self._record.news(rows), self._holdings.census.read(rows)
            census()
            plan.decide(self._holdings.census.judged(epochs()))
        self._record.commit()

    @_patient
    def report(self, epochs: Sequence[Row], decide: Decide) -> Reports:
        """Record epochs of our trials, and what is decided on them; decisions are written before they are known.

        `decide` gets every epoch of the study that is new since the last call, in the order of the record, also those
        of other coordinators; it must not touch the store.

        note: an epoch that is repeated after a lost worker changes nothing: the first value of it stays, and what was
        decided on it.
        """
        return self._reporting.report(epochs, decide)

    @_patient
    def finish(self, number: int, outcome: TrialOutcome, history: Sequence[Row] = ()) -> Fence:
        """Tell how a trial ended, and record the epochs of its `history` that the study lacks.

        What is not usable is pruned, not failed, and violates a constraint: samplers skip FAIL, and must learn from
        these that the configuration is bad.
        """
        return self._endings.finish(number, outcome, history)

    @_patient
    def fail(self, number: int, error: str) -> Fence:
        """Tell FAIL with `error`.

        That is for a bug, a worker that was lost too often, and a trial that cannot be run.
        """
        return self._endings.fail(number, error)

    @_patient
    def count(self, number: int, loss: str) -> int | Fence:
        """Count a loss of a trial in its attribute `loss`; return how many there are, or that it is not ours."""
        with self._holdings.writing(number) as (rows, fence):
            if not fence.held:
                return fence
            trial_id = self._holdings.mine[number].trial_id
            losses = int(rows.attribute(loss, [trial_id])().get(trial_id, 0)) + 1
            rows.set_attributes(trial_id, {loss: losses})
        return losses

    def leave(self) -> None:
        """Wait no more for a store that is away, as the user ends the search; safe in a signal handler.

        Whatever is to be written to it then raises StoreAwayError.
        """
        self._patience.leave()

    def release(self, number: int, notes: Mapping[str, Any] | None = None) -> Fence:
        """Put a trial back, to be continued from its checkpoint: WAITING, or paused where that is decided.

        What is paused stays RUNNING, and is nobody's. `notes` are attributes by name.
        """
        return self._put_back(number, notes or {})

    def abandon(self) -> None:
        """Put all of our trials back, without patience: the process is about to end."""
        self._holdings.put_all_back()

    def excuse(self, number: int, error: str) -> Fence:
        """Put a trial that broke back, all its lost workers forgiven.

        It is for trials that broke by no fault of their own, as far as is known: what broke them may have hung or
        killed their workers, too.
        """
        return self._put_back(number, {attributes.BROKE: error, **dict.fromkeys(attributes.LOSSES, 0)})

    @_patient
    def finished(self) -> list[int]:
        """The numbers of the trials that will not go on."""
        with self._holdings.look() as rows:
            return rows.numbers(FINISHED)()

    @_patient
    def best(self, count: int) -> list[int]:
        """The `count` best complete trials that hpo ran, the best first; with several objectives the whole front."""
        self._look()
        return self._feed.best(count)

    @_patient
    def values(self) -> Mapping[int, float]:
        """The first objective of each complete trial that hpo ran and that keeps to all constraints, by number."""
        self._look()
        return self._feed.values()

    @_patient
    def epochs(self) -> int:
        """How many epochs all trials of the study have recorded."""
        return self._reporting.count()

    @_patient
    def pointers(self, *, finished: bool = False) -> Mapping[int, Pointer]:
        """Where trials point to among the shared files, by number; with `finished` those that do not go on."""
        return self._pointers.read(finished=finished)

    @_patient
    def move_pointers(self, pointers: Mapping[int, Pointer]) -> Collection[int]:
        """Move pointers, by number, of the trials that nobody has claimed since; return the numbers of these."""
        return self._pointers.move(pointers)

    @property
    def heartbeat_s(self) -> float:
        """How often `beat` is to be called."""
        return self._grace_s / HEARTBEATS

    def beat(self) -> None:
        """Renew our heartbeat, without patience; it may be called from another thread than all else."""
        self._holdings.beat()

    def heartbeat(self) -> bool:
        """Renew our heartbeat where it is due; return whether it is time to look after the trials of others.

        It is not where this one was very late: what held it up may have held up those of the others.
        """
        now = self._now()
        age_s = now - self._last_look
        if age_s < self.heartbeat_s:
            return False
        self._patience(self._holdings.beat)
        self._last_look = now
        return age_s < self._grace_s - self.heartbeat_s  # else theirs, a period older than ours, may look too old

    @_patient
    def recover(self) -> list[int]:
        """Put the trials of dead coordinators back; return their numbers.

        It may be repeated, and killed in the middle.

        Raises:
            StudyError: the study is in an SQLite file, and another machine is searching it.
        """
        return self._recovery.recover()

    @_patient
    def _put_back(self, number: int, notes: Mapping[str, Any]) -> Fence:
        """Put a trial of ours back, with `notes`."""
        return self._endings.put_back(number, notes)

    def _look(self) -> None:
        """Bring the census up to date."""
        with self._holdings.look() as rows:
            self._holdings.census.read(rows)()
