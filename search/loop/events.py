"""What the loop does at each event: report, tell, put back, give up."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from optuna.trial import TrialState

from ...studies import attributes
from ...studies.book.ledger import Ledger, TakenError
from ...training.report import EpochReport, Signal, Status, TrainResult
from ..configuration.claim import Claim
from ..executors.base import Blocked, Busy, Crashed, Ended, Event, Executor, Fault, Lost, Reported
from .brake import Brake, HopelessError
from .checkpoints import KEPT, Checkpoints
from .losses import MAX_LOST_WORKERS, MAX_MEMORY_KILLS, MAX_SILENCES, MEND, BlockedError, MachineLosses
from .observers import Observers
from .outcome import outcome_of
from .watchdog import STOP_WITHIN_S, Watchdog


@dataclass(slots=True)
class Run:
    """A trial in a slot.

    `generation` is that of its job; `ours` turns False when somebody else has told the trial, `hung` True when the
    watchdog has its worker killed.
    """

    claim: Claim
    generation: int
    ours: bool = True
    hung: bool = False


class EventHandler:
    """Follows the events of the trials in `runs`, by number, and takes out those that end.

    `ending` is to be set once the search ends: what is lost then is nobody's fault.
    """

    def __init__(
        self,
        runs: dict[int, Run],
        ledger: Ledger[Claim],
        executor: Executor,
        observers: Observers,
        watchdog: Watchdog,
        directory: Callable[[int], Path],
    ) -> None:
        self._runs, self._ledger, self._executor = runs, ledger, executor
        self._observers, self._watchdog, self._directory = observers, watchdog, directory
        self._brake, self._losses, self._checkpoints = Brake(), MachineLosses(), Checkpoints(directory)
        self.ending = False

    def sweep(self) -> None:
        """Remove the checkpoints that earlier runs have left."""
        self._checkpoints.sweep(self._ledger.finished(), self._ledger.best(KEPT))

    def handle(self, events: Sequence[Event]) -> None:
        """Follow events in their order.

        Raises:
            HopelessError: trial after trial broke.
            BlockedError: the machine lets no trial go on.
        """
        for event in events:
            run = self._runs.get(event.number)
            # a worker that was given up may still have had a word on its way
            if run is not None and run.generation == event.generation:
                self._handle(event, run)

    def settle(self) -> None:
        """Decide on the trials on hold, as nothing else is left."""
        if self._brake.on_hold and not self.ending:
            self._fail(self._brake.settle())
            if self._brake.on_hold:
                self._give_up()

    def tidy(self, number: int, state: TrialState) -> None:
        """Remove what a trial that ended in `state` has left."""
        if state is TrialState.COMPLETE:
            self._checkpoints.rank(self._ledger.best(KEPT))
        self._checkpoints.ended(number)

    def _handle(self, event: Event, run: Run) -> None:
        if not isinstance(event, Busy | Reported):
            del self._runs[event.number]
            self._watchdog.forget(event.number)
        if not run.ours:
            return
        try:
            self._follow(event, run)
        except TakenError as taken:
            self._let_go(run, taken)

    def _let_go(self, run: Run, taken: TakenError) -> None:
        """Forget a trial that somebody else has told; its slot is free when its worker has left."""
        run.ours = False
        self._executor.signal(taken.number, Signal.STOP, STOP_WITHIN_S)
        self._observers.note(str(taken))
        self._observers.ended(taken.number, taken.state, None, "told elsewhere", str(taken), {}, {})
        self.tidy(taken.number, taken.state)

    def _follow(self, event: Event, run: Run) -> None:
        match event:
            case Busy(number, _, activity):
                self._watchdog.heard(number)
                self._observers.busy(number, activity)
            case Reported(number, _, report):
                self._watchdog.reported(number)
                self._losses.reported()
                self._on_report(run.claim, report)
            case Ended(_, _, result):
                self._on_end(run.claim, result)
            case Lost():
                self._on_lost(event, run)
            case Crashed():
                self._on_crash(event, run.claim)
            case Blocked(number, _, reason):
                raise BlockedError(f"trial {number} cannot go on: {reason}\n  {MEND}")

    def _on_report(self, claim: Claim, report: EpochReport) -> None:
        value = report.metrics[claim.config.objective.metric]
        self._observers.epoch(claim.number, report, value)
        # the last is complete
        if self._ledger.report(claim.number, report.epoch, value) and report.epoch < claim.config.budget.epochs:
            self._executor.signal(claim.number, Signal.STOP, STOP_WITHIN_S)

    def _on_end(self, claim: Claim, result: TrainResult) -> None:
        if result.status is Status.PAUSED:
            self._ledger.release(claim.number)
            return
        outcome = outcome_of(result, claim.config.objective.metric)
        state = self._ledger.end(claim.number, outcome)
        self._fail(self._brake.worked())  # as this trial is sound, those on hold failed by themselves
        self._observers.trained(claim, state, outcome.value, result)
        self.tidy(claim.number, state)

    def _on_lost(self, event: Lost, run: Run) -> None:
        """Put a trial back to be continued, unless it is to blame for too many losses."""
        number, reason = event.number, event.reason
        if self.ending:  # by what asks this process to end, as likely as not
            self._ledger.release(number)
        elif self._is_machines(event, run):
            self._continue(number, reason)
            self._losses.lost(reason)
        elif event.fault is Fault.MEMORY:
            if self._ledger.count(number, attributes.MEMORY_KILLS) < MAX_MEMORY_KILLS:
                self._continue(number, reason)
            else:
                words = f"its worker was killed {MAX_MEMORY_KILLS} times: too large for the memory of this machine"
                self._on_end(run.claim, TrainResult(Status.OUT_OF_MEMORY, None, (), message=words))
        elif (attempts := self._ledger.count(number, attributes.ATTEMPTS)) < MAX_LOST_WORKERS:
            self._continue(number, reason)
        else:
            self._on_break(run.claim, f"its worker was lost {attempts} times, last: {reason}")

    def _is_machines(self, event: Lost, run: Run) -> bool:
        if run.hung:
            return self._ledger.count(event.number, attributes.SILENCES) <= MAX_SILENCES
        return event.fault is Fault.MACHINE

    def _continue(self, number: int, reason: str) -> None:
        self._observers.note(f"trial {number}: worker lost ({reason}); it will be continued from its checkpoint")
        self._ledger.release(number)

    def _on_crash(self, event: Crashed, claim: Claim) -> None:
        directory = self._directory(event.number)
        try:
            directory.mkdir(parents=True, exist_ok=True)
            (directory / "error.txt").write_text(event.traceback)
        except OSError as error:
            self._observers.note(f"trial {event.number}: its traceback cannot be kept: {error.strerror}")
        self._on_break(claim, event.error)

    def _on_break(self, claim: Claim, error: str) -> None:
        """Put a trial that broke on hold, and show it as failed."""
        # whether it has failed by itself is seen by the trials after it: the study is told then
        self._brake.broke(claim.number, error, claim.broke)
        self._observers.broke(claim.number, error)
        if self._brake.pulled:
            self._give_up()

    def _give_up(self) -> NoReturn:
        for number, error in self._brake.on_hold.items():
            self._ledger.excuse(number, error)
        raise HopelessError(self._brake.message)

    def _fail(self, errors: Mapping[int, str]) -> None:
        for number, error in errors.items():
            self._ledger.fail(number, error)
            self._observers.failed(number, error)
            self.tidy(number, TrialState.FAIL)
