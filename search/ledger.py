"""The study's book: every write to the Optuna store that a search makes.

The states of a trial here: RUNNING belongs to a living coordinator; WAITING is to be run, anew or from its
checkpoint; the rest is finished. A paused or orphaned trial goes back to WAITING, whence `ask` takes the one or the
other atomically, so that one configuration is one trial, however often it was interrupted.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import optuna
from optuna.trial import Trial, TrialState

from ..spaces.space import SearchSpace
from ..studies import attributes
from ..studies.locks import held
from ..training.config import TrialConfig
from ..training.models.source import model_source
from ..training.numerics import ON_A_CPU, Numerics
from ..training.report import EpochReport, Status, TrainResult
from .clock import Clock
from .configure import configure
from .owner import Owner, is_gone
from .strategies import Sampler
from .suggest import suggest

HEARTBEAT_S = 60.0
GRACE_S = 300.0  # for owners on other hosts: five missed heartbeats

FINISHED = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)
# an optimiser must learn from these that the configuration is bad, so they are pruned, not failed: samplers skip FAIL
UNUSABLE = {Status.DIVERGED, Status.OUT_OF_MEMORY}


@dataclass(frozen=True, slots=True)
class Claim:
    """A trial that this process now owns."""

    number: int
    params: dict[str, Any]
    config: TrialConfig


class Ledger:
    """One study, as one coordinator writes to it.

    `sampler` builds the sampler for a trial number; `lock` is the file under which trials are claimed and recovered;
    `numerics` is what `auto` in a trial's configuration means on this machine.
    """

    def __init__(
        self,
        study: optuna.Study,
        space: SearchSpace,
        sampler: Callable[[int], Sampler],
        lock: Path,
        clock: Clock,
        numerics: Numerics = ON_A_CPU,
    ) -> None:
        self._study, self._space, self._sampler, self._lock, self._clock = study, space, sampler, lock, clock
        self._numerics = numerics
        self._mine: dict[int, Trial] = {}
        self._last_heartbeat = clock.now()

    @property
    def mine(self) -> tuple[int, ...]:
        """The trials this process is running."""
        return tuple(self._mine)

    def counts(self) -> Counter[TrialState]:
        """How many trials of the study are in which state."""
        return Counter(trial.state for trial in self._trials())

    def claim(self) -> Claim:
        """Take a waiting trial, or ask the sampler for a new one, and write its owner and configuration down."""
        with self._exclusive():
            self._study.sampler = self._sampler(len(self._trials()))
            trial = self._study.ask()
            self._mine[trial.number] = trial
            trial.set_user_attr(attributes.OWNER, Owner.me().as_attribute(self._clock.now()))
        params = suggest(trial, self._space)
        saved = trial.user_attrs.get(attributes.CONFIG)
        if saved is not None:  # it was begun before: what it began with, not what the file says now
            config = TrialConfig.model_validate_json(saved)
        else:
            config = self._numerics.settle(configure(self._space, params))
            trial.set_user_attr(attributes.CONFIG, config.model_dump_json())
        if source := model_source(config.model):
            trial.set_user_attr(attributes.MODEL_SOURCE, source)
        return Claim(trial.number, params, config)

    def report(self, number: int, report: EpochReport, value: float) -> bool:
        """Note the objective of an epoch; whether the pruner would stop the trial here.

        note: Optuna keeps the first value of a step, so an epoch repeated after a lost worker changes nothing.
        """
        trial = self._mine[number]
        trial.report(value, report.epoch)
        return trial.should_prune()

    def end(self, number: int, result: TrainResult, value: float | None) -> TrialState:
        """Tell how a trial ended; the state it now has."""
        trial = self._mine.pop(number)
        self._note_result(trial, result)
        if result.status in UNUSABLE or value is None:
            trial.set_constraint("usable", 1.0)
        complete = result.status is Status.FINISHED and value is not None
        state = TrialState.COMPLETE if complete else TrialState.PRUNED
        self._study.tell(trial, value if complete else None, state=state, skip_if_finished=True)
        return state

    def fail(self, number: int, error: str) -> None:
        """Tell that a trial broke: a bug, or a worker lost too often."""
        trial = self._mine.pop(number)
        trial.set_user_attr(attributes.ERROR, error)
        self._study.tell(trial, state=TrialState.FAIL, skip_if_finished=True)

    def lost(self, number: int) -> int:
        """Count a lost worker against the trial; how many it has lost."""
        trial = self._mine[number]
        attempts = int(trial.user_attrs.get(attributes.ATTEMPTS, 0)) + 1
        trial.set_user_attr(attributes.ATTEMPTS, attempts)
        return attempts

    def release(self, number: int) -> None:
        """Put a trial back to waiting, to be continued from its checkpoint."""
        trial = self._mine.pop(number)
        self._set_waiting(trial._trial_id)

    def heartbeat(self) -> bool:
        """Once a minute, say that this process still lives; whether it did so now."""
        now = self._clock.now()
        if now - self._last_heartbeat < HEARTBEAT_S:
            return False
        self._last_heartbeat = now
        for trial in self._mine.values():
            trial.set_user_attr(attributes.OWNER, Owner.me().as_attribute(now))
        return True

    def recover(self) -> list[int]:
        """Put the trials of dead coordinators back to waiting; their numbers. Safe to repeat and to be killed in."""
        with self._exclusive():
            orphans = [t for t in self._trials() if t.state is TrialState.RUNNING and self._is_orphan(t)]
            for trial in orphans:
                self._set_waiting(trial._trial_id)
        return [trial.number for trial in orphans]

    def _is_orphan(self, trial: optuna.trial.FrozenTrial) -> bool:
        return trial.number not in self._mine and is_gone(
            trial.user_attrs.get(attributes.OWNER), self._clock.now(), GRACE_S
        )

    def _note_result(self, trial: Trial, result: TrainResult) -> None:
        trial.set_user_attr(attributes.STATUS, result.status.value)
        if result.message:
            trial.set_user_attr(attributes.MESSAGE, result.message)
        if result.verdict is not None:
            trial.set_user_attr(attributes.VERDICT, asdict(result.verdict))
        if result.history:
            trial.set_user_attr(attributes.DURATION_S, round(result.history[-1].elapsed_s, 3))
        if result.lr_factors:
            trial.set_user_attr(attributes.LR_FACTORS, list(result.lr_factors))
        if result.best is not None:
            trial.set_user_attr(attributes.BEST_EPOCH, result.best.epoch)
            trial.set_user_attr(attributes.METRICS, dict(result.best.metrics))

    def _set_waiting(self, trial_id: int) -> None:
        try:
            self._study._storage.set_trial_state_values(trial_id, TrialState.WAITING)
        except optuna.exceptions.UpdateFinishedTrialError:
            return  # another coordinator finished it meanwhile

    def _trials(self) -> list[optuna.trial.FrozenTrial]:
        return self._study.get_trials(deepcopy=False)

    @contextmanager
    def _exclusive(self) -> Iterator[None]:
        """Claims and recoveries of one study happen one at a time; the lock ends with its process."""
        self._lock.parent.mkdir(parents=True, exist_ok=True)
        with held(self._lock):
            yield
