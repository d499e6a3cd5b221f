"""What the loop does at each event: report, tell, put back, give up."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from ...studies import attributes
from ...studies.book.book import Book
from ...studies.book.terms import Fence, Row, Stop, TrialState
from ...training.report import EpochReport, Signal, Status, TrainResult
from ..configuration.claim import Claim
from ..executors.base import Blocked, Busy, Crashed, Ended, Event, Executor, Fault, Lost, Reported, Resumed
from .brake import Brake, HopelessError
from .checkpoints import KEPT, Checkpoints
from .losses import MAX_LOST_WORKERS, MAX_MEMORY_KILLS, MAX_SILENCES, MEND, BlockedError, MachineLosses
from .observers import Observers
from .outcome import outcome_of
from .watchdog import STOP_WITHIN_S, Watchdog

Decider = Callable[[Sequence[Row]], Mapping[int, Stop]]
"""Which trials to stop, given the next epochs of the study's record."""


@dataclass(slots=True)
class Run:
    """A trial in a slot.

    `ours` turns False when somebody else has told or taken the trial, `hung` True when the watchdog has its worker
    killed.
    """

    claim: Claim
    ours: bool = True
    hung: bool = False


class EventHandler:
    """Follows the events of the trials in `runs`, by number, and takes out those that end.

    `ending` is to be set once the search ends: what is lost then is nobody's fault. `alone` are the trials that are to
    have a card for themselves, since they ran out of memory beside others.
    """

    def __init__(
        self,
        runs: dict[int, Run],
        book: Book[Claim],
        decide: Decider,
        executor: Executor,
        observers: Observers,
        watchdog: Watchdog,
        directory: Callable[[int], Path],
    ) -> None:
        self._runs, self._book, self._decide, self._executor = runs, book, decide, executor
        self._observers, self._watchdog, self._directory = observers, watchdog, directory
        self._brake, self._losses, self._checkpoints = Brake(), MachineLosses(), Checkpoints(directory)
        self.ending = False
        self.alone: set[int] = set()

    def sweep(self) -> None:
        """Remove the checkpoints that earlier runs have left."""
        self._checkpoints.sweep(self._book.finished(), self._book.best(KEPT))

    def handle(self, events: Sequence[Event]) -> None:
        """Follow events in their order.

        Raises:
            HopelessError: trial after trial broke.
            BlockedError: the machine lets no trial go on.
        """
        # a worker that was given up may still have had a word on its way
        self._on_reports([event for event in events if isinstance(event, Reported) and self._is_current(event)])
        for event in events:
            if self._is_current(event):  # which the event before may have changed
                self._handle(event, self._runs[event.number])

    def settle(self) -> None:
        """Decide on the trials on hold, as nothing else is left."""
        if self._brake.on_hold and not self.ending:
            self._fail(self._brake.settle())
            if self._brake.on_hold:
                self._give_up()

    def tidy(self, number: int, state: TrialState) -> None:
        """Remove what a trial that ended in `state` has left."""
        if state is TrialState.COMPLETE:
            self._checkpoints.rank(self._book.best(KEPT))
        self._checkpoints.ended(number)

    def _handle(self, event: Event, run: Run) -> None:
        if not isinstance(event, Busy | Resumed | Reported):
            del self._runs[event.number]
            self._watchdog.forget(event.number)
        if run.ours:
            self._follow(event, run)

    def _is_current(self, event: Event) -> bool:
        run = self._runs.get(event.number)
        return run is not None and run.claim.generation == event.generation

    def _let_go(self, run: Run, fence: Fence) -> None:
        """Forget a trial that is somebody else's now; its slot is free when its worker has left."""
        number, state = run.claim.number, fence.state
        run.ours = False
        self._executor.signal(number, Signal.STOP, STOP_WITHIN_S)
        told = state.is_finished()
        how = f"was ended by somebody else as {state.name}" if told else "was taken over by another coordinator"
        message = f"trial {number} {how}; its training here stops"
        self._observers.note(message)
        if told:
            self._observers.ended(number, state, None, "told elsewhere", message, {}, {})
            self.tidy(number, state)

    def _follow(self, event: Event, run: Run) -> None:
        match event:
            case Busy(number, _, activity):
                self._watchdog.heard(number)
                self._observers.busy(number, activity)
            case Resumed(number, _, history):
                self._watchdog.heard(number)
                self._reconcile(run.claim, history)
            case Ended(_, _, result):
                self._on_end(run, result)
            case Lost():
                self._on_lost(event, run)
            case Crashed():
                self._on_crash(event, run.claim)
            case Blocked(number, _, reason):
                raise BlockedError(f"trial {number} cannot go on: {reason}\n  {MEND}")
            case Reported():
                pass  # written already, with all that came at once

    def _on_reports(self, events: Sequence[Reported]) -> None:
        """Record the epochs that came at once, and stop the trials of which that is decided."""
        rows = []
        for number, report in ((event.number, event.report) for event in events if self._runs[event.number].ours):
            self._watchdog.reported(number)
            self._losses.reported()
            if report.epoch == 1 and self._runs[number].claim.curve:
                words = "its checkpoint could not be used, so it began anew; the log of its worker says why"
                self._observers.note(f"trial {number}: {words}")
            row = _row(number, report)
            self._observers.epoch(number, report, row.value)
            rows.append(row)
        if not rows:
            return
        answer = self._book.report(rows, self._stops)
        for number, fence in answer.lost.items():
            self._let_go(self._runs[number], fence)
        for number in answer.stops:
            self._executor.signal(number, Signal.STOP, STOP_WITHIN_S)

    def _stops(self, rows: Sequence[Row]) -> Mapping[int, Stop]:
        """The decisions on the next epochs, but for those on a trial's last one, after which it is complete."""
        epochs = {number: run.claim.config.budget.epochs for number, run in self._runs.items()}
        return {n: stop for n, stop in self._decide(rows).items() if n in epochs and stop.epoch < epochs[n]}

    def _on_end(self, run: Run, result: TrainResult) -> None:
        claim = run.claim
        self._reconcile(claim, result.history)
        if result.status is Status.CROWDED:
            self._observers.note(f"trial {claim.number}: {result.message}; it is tried again, alone on a card")
            self.alone.add(claim.number)
        if result.status in (Status.PAUSED, Status.CROWDED):
            self._book.release(claim.number)
            return
        outcome = outcome_of(result, claim.config.objective)
        fence = self._book.finish(claim.number, outcome)
        if not fence.held:
            self._let_go(run, fence)
            return
        self._fail(self._brake.worked())  # as this trial is sound, those on hold failed by themselves
        self._observers.trained(claim, fence.state, outcome.value, result)
        self.tidy(claim.number, fence.state)

    def _reconcile(self, claim: Claim, history: Sequence[EpochReport]) -> None:
        """Record the epochs of a trial's history whose reports never arrived."""
        missing = self._book.reconcile(claim.number, [_row(claim.number, report) for report in history])
        self._observers.missed(claim.number, [report for report in history if report.epoch in missing])

    def _on_lost(self, event: Lost, run: Run) -> None:
        """Put a trial back to be continued, unless it is to blame for too many losses."""
        number, reason = event.number, event.reason
        if self.ending:  # by what asks this process to end, as likely as not
            self._book.release(number)
            return
        loss = attributes.SILENCES if run.hung else _COUNTED_IN[event.fault]
        losses = 0 if loss is None else self._count(run, loss)
        if run.hung and losses > MAX_SILENCES:
            loss, losses = attributes.ATTEMPTS, self._count(run, attributes.ATTEMPTS)
        if not run.ours:
            return
        if loss in (None, attributes.SILENCES):
            self._continue(number, reason)
            self._losses.lost(reason)
        elif loss == attributes.MEMORY_KILLS and losses >= MAX_MEMORY_KILLS:
            words = f"its worker was killed {MAX_MEMORY_KILLS} times: too large for the memory of this machine"
            self._on_end(run, TrainResult(Status.OUT_OF_MEMORY, None, (), message=words))
        elif loss == attributes.ATTEMPTS and losses >= MAX_LOST_WORKERS:
            self._on_break(run.claim, f"its worker was lost {losses} times, last: {reason}")
        else:
            self._continue(number, reason)

    def _count(self, run: Run, loss: str) -> int:
        """Count a loss of a trial; 0 where it is not ours any more."""
        answer = self._book.count(run.claim.number, loss)
        if isinstance(answer, Fence):
            self._let_go(run, answer)
            return 0
        return answer

    def _continue(self, number: int, reason: str) -> None:
        self._observers.note(f"trial {number}: worker lost ({reason}); it will be continued from its checkpoint")
        self._book.release(number)

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
            self._book.excuse(number, error)
        raise HopelessError(self._brake.message)

    def _fail(self, errors: Mapping[int, str]) -> None:
        for number, error in errors.items():
            self._book.fail(number, error)
            self._observers.failed(number, error)
            self.tidy(number, TrialState.FAIL)


def _row(number: int, report: EpochReport) -> Row:
    """An epoch of trial `number` as the study records it."""
    assert report.worth is not None  # a trial has validation images
    return Row(number, report.epoch, report.worth)


_COUNTED_IN = {Fault.MACHINE: None, Fault.MEMORY: attributes.MEMORY_KILLS, Fault.TRIAL: attributes.ATTEMPTS}
"""The attribute in which losses of a trial are counted; the machine's are not."""
