"""The ledger: every write of a search to a study's store.

The states of a trial here: RUNNING belongs to a living coordinator; WAITING is to be run, anew or from its
checkpoint; the rest is finished. A paused or orphaned trial goes back to WAITING, whence `ask` takes the one or the
other atomically, so that one configuration is one trial, however often it was interrupted.

Other programs on Optuna write to the same study: they enqueue trials, run some of their own, and tell ours.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from heapq import nsmallest
from pathlib import Path
from typing import Any, Generic, TypeVar

import optuna
from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import FrozenTrial, Trial, TrialState

from ...common.display import visible
from ...errors import SpaceError, StudyError
from .. import attributes
from ..records.ranking import rank
from ..store.heartbeats import silences
from ..store.locks import held
from .owner import Owner, is_foreign, is_orphan

Claim = TypeVar("Claim")

HEARTBEAT_S = 60.0
"""How often a coordinator says that it lives: five may be missed before its trials are taken over (GRACE_S)."""

FINISHED = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)


@dataclass(frozen=True, slots=True)
class Refused:
    """A waiting trial that cannot be run, told FAIL for `reason`."""

    number: int
    params: dict[str, Any]
    reason: str


class TakenError(Exception):
    """Trial `number` was told by somebody else, with `state`.

    Optuna refuses every later write to it, so this process lets go of it.
    """

    def __init__(self, number: int, state: TrialState) -> None:
        super().__init__(f"trial {number} was ended by somebody else as {state.name}; its training here stops")
        self.number, self.state = number, state


@dataclass(frozen=True, slots=True)
class TrialOutcome:
    """How a trial ended, as the study keeps it.

    `value` is its objective, None where no epoch ended; `complete` whether it ran to its end; `usable` is False where
    the configuration itself was at fault; `notes` are attributes by name.
    """

    value: float | None
    complete: bool
    usable: bool
    notes: Mapping[str, Any] = field(default_factory=dict)


class Ledger(Generic[Claim]):
    """One study, as one coordinator writes to it.

    `claim`, `report`, `end` and `count` raise TakenError where somebody else has told the trial; it is forgotten.

    `begin` gives a trial that was just taken what it runs with; `lock` is the file under which trials are claimed and
    recovered; `now` the time in seconds since the epoch.
    """

    def __init__(
        self, study: optuna.Study, begin: Callable[[Trial], Claim], lock: Path, now: Callable[[], float]
    ) -> None:
        self._study, self._begin, self._lock, self._now = study, begin, lock, now
        self._name = study.study_name
        self._mine: dict[int, Trial] = {}
        self._last_heartbeat = now()

    @property
    def mine(self) -> tuple[int, ...]:
        """The trials this process is running."""
        return tuple(self._mine)

    def counts(self) -> Counter[TrialState]:
        """The number of trials of the study in each state.

        Those that another program runs are left out: a search must not wait for them.

        Raises:
            StudyError: the study was deleted.
        """
        return Counter(trial.state for trial in self._trials() if not is_foreign(trial))

    def claim(self) -> Claim | Refused:
        """Take a waiting trial, or a new one, and begin it.

        A waiting trial that cannot be run is told FAIL: what was enqueued is not in the space, or another version saved
        its configuration.
        """
        # under the lock, so that no recovery sees a trial that is RUNNING and not owned yet
        with self._exclusive():
            trial = self._study.ask()
            self._mine[trial.number] = trial
            with self._writing(trial.number):
                trial.set_user_attr(attributes.OWNER, Owner.me().as_attribute(self._now()))
        try:
            with self._writing(trial.number):
                return self._begin(trial)
        except (SpaceError, StudyError) as error:
            self.fail(trial.number, str(error))
            return Refused(trial.number, trial.params, str(error))

    def report(self, number: int, epoch: int, value: float) -> bool:
        """Record the objective of an epoch (from 1); return whether to prune.

        note: an epoch that is repeated after a lost worker changes nothing: the first value of it stays.
        """
        with self._writing(number) as trial:
            if epoch not in trial._cached_frozen_trial.intermediate_values:  # Optuna would warn
                trial.report(value, epoch)
            return trial.should_prune()

    def end(self, number: int, outcome: TrialOutcome) -> TrialState:
        """Tell how a trial ended; return its state.

        What is not usable is pruned, not failed, and violates a constraint: samplers skip FAIL, and must learn from
        these that the configuration is bad.
        """
        state = TrialState.COMPLETE if outcome.complete else TrialState.PRUNED
        with self._writing(number) as trial:
            for name, note in outcome.notes.items():
                trial.set_user_attr(name, note)
            if not outcome.usable:
                trial.set_constraint("usable", 1.0)
            # told PRUNED without a value, Optuna takes the last that was reported
            self._tell(trial, state, outcome.value if outcome.complete else None)
        del self._mine[number]
        return state

    def fail(self, number: int, error: str) -> None:
        """Tell FAIL with `error`.

        That is for a bug, a worker that was lost too often, and a trial that cannot be run.
        """
        with suppress(TakenError), self._writing(number) as trial:  # told already: nothing is left to say
            trial.set_user_attr(attributes.ERROR, error)
            self._tell(trial, TrialState.FAIL)
        self._mine.pop(number, None)

    def count(self, number: int, loss: str) -> int:
        """Count a loss of a trial in its attribute `loss`; return how many there are."""
        with self._writing(number) as trial:
            losses = int(trial.user_attrs.get(loss, 0)) + 1
            trial.set_user_attr(loss, losses)
            return losses

    def release(self, number: int) -> None:
        """Put a trial back to waiting, to be continued from its checkpoint.

        Nothing happens where somebody else has told it.
        """
        self._set_waiting(self._mine.pop(number)._trial_id)

    def excuse(self, number: int, error: str) -> None:
        """Put a trial that broke back to waiting, its attempts forgiven.

        It is for trials that broke by no fault of their own, as far as is known.
        """
        with suppress(TakenError):
            with self._writing(number) as trial:
                trial.set_user_attr(attributes.BROKE, error)
                trial.set_user_attr(attributes.ATTEMPTS, 0)
            self.release(number)

    def finished(self) -> list[int]:
        """The numbers of the trials that will not go on."""
        return [trial.number for trial in self._trials() if trial.state in FINISHED]

    def best(self, count: int) -> list[int]:
        """The `count` best complete trials that hpo ran, the best first."""
        direction = self._study.direction
        complete = (t for t in self._trials() if t.state is TrialState.COMPLETE and t.value is not None and _ran(t))
        return [t.number for t in nsmallest(count, complete, key=lambda t: rank(direction, t.value or 0.0, t.number))]

    def heartbeat(self) -> bool:
        """Renew our heartbeat once a minute; return whether it was due."""
        now = self._now()
        if now - self._last_heartbeat < HEARTBEAT_S:
            return False
        self._last_heartbeat = now
        for trial in self._mine.values():
            with suppress(UpdateFinishedTrialError, KeyError):  # told or deleted: its next report finds out
                trial.set_user_attr(attributes.OWNER, Owner.me().as_attribute(now))
        return True

    def recover(self) -> list[int]:
        """Put the trials of dead coordinators back to waiting; return their numbers.

        It may be repeated, and killed in the middle: each trial is put back by itself.
        """
        with self._exclusive():
            running = [t for t in self._trials() if t.state is TrialState.RUNNING and t.number not in self._mine]
            silent = silences(self._study._storage, self._study._study_id) if running else {}
            now = self._now()
            orphans = [trial for trial in running if is_orphan(trial, silent.get(trial._trial_id), now)]
            for trial in orphans:
                self._set_waiting(trial._trial_id)
        return [trial.number for trial in orphans]

    @contextmanager
    def _writing(self, number: int) -> Iterator[Trial]:
        """Trial `number` for writing; TakenError where it was told already."""
        trial = self._mine[number]
        try:
            yield trial
        except UpdateFinishedTrialError:
            del self._mine[number]
            raise TakenError(number, self._study._storage.get_trial(trial._trial_id).state) from None
        except KeyError:
            self._trials()  # says so where the whole study is gone
            raise

    def _tell(self, trial: Trial, state: TrialState, value: float | None = None) -> None:
        # note: a coordinator elsewhere that took this one for dead may have put the trial back to waiting, in which
        # state Optuna refuses a result
        self._study._storage.set_trial_state_values(trial._trial_id, TrialState.RUNNING)
        self._study.tell(trial, value, state=state, skip_if_finished=True)

    def _set_waiting(self, trial_id: int) -> None:
        """Take the owner off a trial, then put it back to waiting.

        Nothing happens where somebody else has told the trial, or deleted its study.
        """
        # in this order: killed between the two, a trial without owner is recovered; the other way round, another
        # coordinator may have taken the WAITING trial, and this would wipe out its name
        with suppress(UpdateFinishedTrialError, KeyError):
            self._study._storage.set_trial_user_attr(trial_id, attributes.OWNER, None)
            self._study._storage.set_trial_state_values(trial_id, TrialState.WAITING)

    def _trials(self) -> list[FrozenTrial]:
        try:
            return self._study.get_trials(deepcopy=False)
        except KeyError:
            raise StudyError(f"study {visible(self._name)} was deleted while it was searched") from None

    @contextmanager
    def _exclusive(self) -> Iterator[None]:
        """The lock under which trials of one study are claimed and recovered."""
        self._lock.parent.mkdir(parents=True, exist_ok=True)
        with held(self._lock):
            yield


def _ran(trial: FrozenTrial) -> bool:
    """Whether hpo ran it, so that it has a folder."""
    return attributes.CONFIG in trial.user_attrs
