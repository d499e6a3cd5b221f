"""The event loop of a search, from claim to tell.

claim -> submit -> event -> report or tell, until the study has what was asked for.

It holds no strategy and no training. What happens is decided by the ledger (what to run next, what to stop) and by
the executor (what came of it), in whatever time the clock keeps.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import NoReturn

from optuna.trial import TrialState

from ...errors import TrainingError
from ...studies.book.ledger import FINISHED, Ledger, Refused, TakenError
from ...studies.tracking.events import Epoch, TrialEnded, TrialStarted
from ...studies.tracking.events import TrialState as TrackedState
from ...studies.tracking.tracker import Tracker
from ...training.report import EpochReport, Status, TrainResult
from ..configuration.claim import Claim
from ..executors.base import Blocked, Busy, Crashed, Ended, Event, Executor, Job, Lost, Reported
from ..executors.clock import Clock
from ..progress.base import Progress
from .brake import Brake, HopelessError
from .checkpoints import KEPT, Checkpoints
from .outcome import outcome_of

# a trial that has lost as many is given up: one or two losses may be the machine's (out of memory beside others, an
# administrator), three speak against the trial
MAX_LOST_WORKERS = 3
_MEND = "mend that, then run the same command again: what was running waits, and nothing has failed by it"
TICK_S = 0.5  # how soon an interrupt or a deadline is seen; each tick costs a glance at the clock


class BlockedError(TrainingError):
    """The end of a search whose machine lets no trial go on."""

    exit_code = 1


class Outcome(StrEnum):
    """The reason for which the loop ended."""

    DONE = "done"
    TIMED_OUT = "timed out"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True, slots=True)
class Goal:
    """The end of a search: `trials` finished in the study, or `deadline`.

    The deadline is in the clock's time; what comes first counts.
    """

    trials: int
    deadline: float = float("inf")


@dataclass(frozen=True, slots=True)
class Places:
    """The paths of a job's data and files."""

    pack: Path
    trial_directory: Callable[[int], Path]


class Loop:
    """One run of a search.

    Call `run` once; `interrupt` may be called from a signal handler.
    """

    def __init__(
        self,
        ledger: Ledger[Claim],
        executor: Executor,
        tracker: Tracker,
        progress: Progress,
        clock: Clock,
        goal: Goal,
        places: Places,
    ) -> None:
        self._ledger, self._executor, self._tracker, self._progress = ledger, executor, tracker, progress
        self._clock, self._goal, self._places = clock, goal, places
        self._claims: dict[int, Claim] = {}
        self._ending: Outcome | None = None
        self._brake = Brake()
        self._checkpoints = Checkpoints(places.trial_directory)

    def run(self) -> Outcome:
        """Run until the goal is reached; return why it ended.

        Whatever was running by then waits to be continued.

        Raises:
            HopelessError: trial after trial broke.
            BlockedError: a disk is full, read-only or gone.
        """
        self._recover()
        self._checkpoints.sweep(self._ledger.finished(), self._ledger.best(KEPT))
        try:
            while not self._over():
                self._fill()
                if not self._claims:
                    self._settle()
                event = self._executor.next_event(TICK_S)
                if event is not None:
                    self._handle(event)
                elif not self._claims:
                    self._clock.sleep(TICK_S)  # trials of other coordinators are all that is left
                self._housekeep()
        finally:
            for number in self._ledger.mine:  # a second Ctrl-C, a fault or a bug
                with suppress(Exception):  # of a store that cannot be written: the next run finds them orphaned
                    self._ledger.release(number)
        return self._ending or Outcome.DONE

    def interrupt(self) -> None:
        """End the run: start nothing more, and pause what runs."""
        self._end_early(Outcome.INTERRUPTED)

    def _over(self) -> bool:
        if self._claims:
            return False
        if self._ending is not None:
            return True
        return self._finished() >= self._goal.trials

    def _finished(self) -> int:
        counts = self._ledger.counts()
        return sum(counts[state] for state in FINISHED)

    def _fill(self) -> None:
        while self._ending is None and len(self._claims) < self._executor.slots:
            counts = self._ledger.counts()
            if sum(counts[state] for state in (*FINISHED, TrialState.RUNNING)) >= self._goal.trials:
                return  # RUNNING ones of other coordinators count: together they must not exceed the goal
            try:
                claim = self._ledger.claim()
            except TakenError as taken:
                self._progress.note(str(taken))
                continue
            self._refuse(claim) if isinstance(claim, Refused) else self._start(claim)

    def _start(self, claim: Claim) -> None:
        self._claims[claim.number] = claim
        numerics = {"precision": claim.config.precision.dtype, "compile": claim.config.compile}
        self._tracker.tell(TrialStarted(claim.number, claim.params, {"trial": claim.number, **numerics}))
        self._progress.trial_started(claim.number, claim.params, claim.config.budget.epochs, claim.curve)
        self._submit(claim)

    def _refuse(self, trial: Refused) -> None:
        """Track and show a trial that failed before it began."""
        self._tracker.tell(TrialStarted(trial.number, trial.params, {"trial": trial.number}))
        self._progress.trial_started(trial.number, trial.params, 0, {})
        self._track_end(trial.number, "FAIL", {}, "failed", trial.reason, {})
        self._progress.trial_ended(trial.number, "FAIL", None, "failed", trial.reason)

    def _submit(self, claim: Claim) -> None:
        directory = self._places.trial_directory(claim.number)
        self._executor.submit(Job(claim.number, claim.config, directory, self._places.pack))

    def _handle(self, event: Event) -> None:
        if event.number in self._ledger.mine:
            try:
                self._follow(event)
            except TakenError as taken:
                self._progress.note(str(taken))
                tracked = _tracked(taken.state)
                self._track_end(taken.number, tracked, {}, "told elsewhere", str(taken), {})
                self._progress.trial_ended(taken.number, tracked, None, "told elsewhere", str(taken))
        if event.number in self._ledger.mine:
            return
        if isinstance(event, Busy | Reported):  # its worker is still at it: the slot is free when that ends
            self._executor.stop(event.number)
        else:
            self._claims.pop(event.number, None)

    def _follow(self, event: Event) -> None:
        match event:
            case Busy(number, activity):
                self._progress.busy(number, activity)
            case Reported(number, report):
                self._on_report(number, report)
            case Ended(number, result):
                self._on_end(number, result)
            case Lost(number, reason):
                self._on_lost(number, reason)
            case Crashed():
                self._on_crash(event)
            case Blocked(number, reason):
                raise BlockedError(f"trial {number} cannot go on: {reason}\n  {_MEND}")

    def _on_report(self, number: int, report: EpochReport) -> None:
        config = self._claims[number].config
        value = report.metrics[config.objective.metric]
        self._tracker.tell(Epoch(number, report.epoch, report.metrics))
        self._progress.epoch(number, report, value)
        if (
            self._ledger.report(number, report.epoch, value) and report.epoch < config.budget.epochs
        ):  # the last is complete
            self._executor.stop(number)

    def _on_end(self, number: int, result: TrainResult) -> None:
        claim = self._claims.pop(number)
        if result.status is Status.PAUSED:
            self._ledger.release(number)
            return
        outcome = outcome_of(result, claim.config.objective.metric)
        state, value = self._ledger.end(number, outcome), outcome.value
        self._fail(self._brake.worked())  # as this trial is sound, those on hold failed by themselves
        metrics = {} if value is None else {f"best_{claim.config.objective.metric}": value}
        tracked = _tracked(state)
        status, message = result.status.value, result.message
        self._track_end(number, tracked, metrics, status, message, _verdict_tags(result))
        self._progress.trial_ended(number, tracked, value, status, message)

    def _on_lost(self, number: int, reason: str) -> None:
        if self._ending is not None:  # by what asks this process to end, as likely as not
            self._claims.pop(number)
            self._ledger.release(number)
            return
        attempts = self._ledger.lost(number)
        if attempts < MAX_LOST_WORKERS:
            self._progress.note(f"trial {number}: worker lost ({reason}); continued from its checkpoint")
            self._submit(self._claims[number])
            return
        self._on_break(number, f"its worker was lost {attempts} times, last: {reason}")

    def _on_crash(self, event: Crashed) -> None:
        directory = self._places.trial_directory(event.number)
        try:
            directory.mkdir(parents=True, exist_ok=True)
            (directory / "error.txt").write_text(event.traceback)
        except OSError as error:
            self._progress.note(f"trial {event.number}: its traceback cannot be kept: {error.strerror}")
        self._on_break(event.number, event.error)

    def _on_break(self, number: int, error: str) -> None:
        """Put a trial that broke on hold, and show it as failed."""
        # whether it has failed by itself is seen by the trials after it: the study is told then
        self._brake.broke(number, error, self._claims.pop(number).broke)
        self._progress.trial_ended(number, "FAIL", None, "failed", error)
        if self._brake.pulled:
            self._give_up()

    def _settle(self) -> None:
        """Decide on the trials on hold, as nothing else is left."""
        if self._brake.on_hold and self._ending is None:
            self._fail(self._brake.settle())
            if self._brake.on_hold:
                self._give_up()

    def _give_up(self) -> NoReturn:
        for number, error in self._brake.on_hold.items():
            self._ledger.excuse(number, error)
        raise HopelessError(self._brake.message)

    def _fail(self, errors: Mapping[int, str]) -> None:
        for number, error in errors.items():
            self._ledger.fail(number, error)
            self._track_end(number, "FAIL", {}, "failed", error, {})

    def _track_end(
        self,
        number: int,
        state: TrackedState,
        metrics: dict[str, float],
        status: str,
        message: str,
        tags: dict[str, str],
    ) -> None:
        config = self._places.trial_directory(number) / "config.json"
        artifacts = [config] if config.exists() else []
        tags = {"status": status, "message": message, **tags}
        self._tracker.tell(TrialEnded(number, state, metrics, tags, artifacts))
        if state == "COMPLETE":
            self._checkpoints.rank(self._ledger.best(KEPT))
        self._checkpoints.ended(number)

    def _housekeep(self) -> None:
        if self._ledger.heartbeat():
            self._recover()
        if self._clock.now() >= self._goal.deadline:
            self._end_early(Outcome.TIMED_OUT)

    def _recover(self) -> None:
        for number in self._ledger.recover():
            self._progress.note(f"trial {number}: its coordinator is gone; it will be continued")

    def _end_early(self, outcome: Outcome) -> None:
        if self._ending is None:
            self._ending = outcome
            for number in list(self._claims):
                self._executor.pause(number)


def _tracked(state: TrialState) -> TrackedState:
    return "COMPLETE" if state is TrialState.COMPLETE else "PRUNED" if state is TrialState.PRUNED else "FAIL"


def _verdict_tags(result: TrainResult) -> dict[str, str]:
    verdict = result.verdict
    return {} if verdict is None else {"verdict": verdict.kind.value, "verdict_evidence": verdict.evidence}
