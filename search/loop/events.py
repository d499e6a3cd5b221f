"""What the loop does at each event: report, tell, put back, give up."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from ...studies import attributes
from ...studies.book.book import Book
from ...studies.book.terms import Decided, Fence, Plan, Row, Stop, TrialState
from ...training.report import EpochReport, Signal, Status, TrainResult
from ..configuration.claim import Claim
from ..executors.base import Blocked, Busy, Crashed, Ended, Event, Executor, Fault, Lost, Reported, Resumed
from .brake import Brake, HopelessError
from .checkpoints import KEPT, Checkpoints
from .losses import MAX_LOST_WORKERS, MAX_MEMORY_KILLS, MAX_SILENCES, MEND, BlockedError, MachineLosses
from .observers import Observers
from .outcome import duration_note, outcome_of
from .watchdog import STOP_WITHIN_S, Watchdog


@dataclass(slots=True)
class Run:
    """A trial in a slot.

    `value` is its objective at the last epoch that was heard of. `ours` turns False when somebody else has told or
    taken the trial, `hung` True when the watchdog has its worker killed.
    """

    claim: Claim
    value: float | None = None
    ours: bool = True
    hung: bool = False


class EventHandler:
    """Follows the events of the trials in `runs`, by number, and takes out those that end.

    `ending` is to be set once the search ends: what is lost then is nobody's fault. `alone` are the trials that are to
    have a card for themselves, since they ran out of memory beside others. `has_paused` says that a trial was paused at
    a rung since the last `drop_hopeless`.
    """

    def __init__(
        self,
        runs: dict[int, Run],
        book: Book[Claim],
        plan: Plan,
        executor: Executor,
        observers: Observers,
        watchdog: Watchdog,
        directory: Callable[[int], Path],
    ) -> None:
        self._runs, self._book, self._plan, self._executor = runs, book, plan, executor
        self._observers, self._watchdog, self._directory = observers, watchdog, directory
        self._brake, self._losses, self._checkpoints = Brake(), MachineLosses(), Checkpoints(directory)
        self.ending = self.has_paused = False
        self.alone: set[int] = set()

    def sweep(self) -> None:
        """Remove the checkpoints that earlier runs have left."""
        self._checkpoints.sweep(self._book.finished(), self._book.best(KEPT))
        self._book.catch_up(self._plan)

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

    def drop_hopeless(self, limit: int | None) -> None:
        """Remove the checkpoints of paused trials that can never go on in a study of `limit` trials."""
        self._checkpoints.drop(self._plan.hopeless(self._book.paused, limit))
        self.has_paused = False

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
                self._catch_up(run, history)
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
            self._runs[number].value = row.value
            self._observers.epoch(number, report, row.value)
            rows.append(row)
        if not rows:
            return
        self._record(rows)

    def _record(self, rows: Sequence[Row]) -> Collection[tuple[int, int]]:
        """Record epochs, and tell workers what is decided on them; return the (trial, epoch) that are new."""
        answer = self._book.report(rows, self._decide)
        for number, fence in answer.lost.items():
            self._let_go(self._runs[number], fence)
        for number, decision in answer.decided.items():
            signal = Signal.STOP if isinstance(decision, Stop) else Signal.PAUSE
            self._executor.signal(number, signal, STOP_WITHIN_S)
        return answer.recorded

    def _decide(self, rows: Sequence[Row]) -> Mapping[int, Decided]:
        """The decisions on the next epochs, but for those on a trial's last one, after which it is complete."""
        epochs = {number: run.claim.config.budget.epochs for number, run in self._runs.items()}
        decided = self._plan.decide(rows).items()
        return {n: decision for n, decision in decided if n in epochs and decision.epoch < epochs[n]}

    def _on_end(self, run: Run, result: TrainResult) -> None:
        claim = run.claim
        if result.status is Status.CROWDED:
            self._observers.note(f"trial {claim.number}: {result.message}; it is tried again, alone on a card")
            self.alone.add(claim.number)
        if result.status in (Status.PAUSED, Status.CROWDED):
            self._runs[claim.number] = run  # until its last words are recorded
            self._catch_up(run, result.history)
            del self._runs[claim.number]
            if run.ours:
                self._release(run, duration_note(result))
            return
        self._reconcile(claim, result.history)
        outcome = outcome_of(result, claim.config.objective)
        fence = self._book.finish(claim.number, outcome)
        if not fence.held:
            self._let_go(run, fence)
            return
        self._fail(self._brake.worked())  # as this trial is sound, those on hold failed by themselves
        self._observers.trained(claim, fence.state, outcome.value, result)
        self.tidy(claim.number, fence.state)

    def _catch_up(self, run: Run, history: Sequence[EpochReport]) -> None:
        """Record the epochs of a trial's history whose reports never arrived, and decide on them."""
        recorded = self._record([_row(run.claim.number, report) for report in history])
        epochs = {epoch for _, epoch in recorded}
        self._observers.missed(run.claim.number, [report for report in history if report.epoch in epochs])

    def _reconcile(self, claim: Claim, history: Sequence[EpochReport]) -> None:
        """Record the epochs of the history of a trial that has ended whose reports never arrived."""
        missing = self._book.reconcile(claim.number, [_row(claim.number, report) for report in history])
        self._observers.missed(claim.number, [report for report in history if report.epoch in missing])

    def _release(self, run: Run, notes: Mapping[str, Any] | None = None) -> None:
        """Put a trial back: it waits to be continued, or is paused where that is decided."""
        fence = self._book.release(run.claim.number, notes)
        if fence.rung is not None:
            self.has_paused = True
            self._observers.paused(run.claim, fence.rung, run.value)

    def _on_lost(self, event: Lost, run: Run) -> None:
        """Put a trial back to be continued, unless it is to blame for too many losses."""
        reason = event.reason
        if self.ending:  # by what asks this process to end, as likely as not
            self._release(run)
            return
        loss = attributes.SILENCES if run.hung else _COUNTED_IN[event.fault]
        losses = 0 if loss is None else self._count(run, loss)
        if run.hung and losses > MAX_SILENCES:
            loss, losses = attributes.ATTEMPTS, self._count(run, attributes.ATTEMPTS)
        if not run.ours:
            return
        if loss in (None, attributes.SILENCES):
            self._continue(run, reason)
            self._losses.lost(reason)
        elif loss == attributes.MEMORY_KILLS and losses >= MAX_MEMORY_KILLS:
            words = f"its worker was killed {MAX_MEMORY_KILLS} times: too large for the memory of this machine"
            self._on_end(run, TrainResult(Status.OUT_OF_MEMORY, None, (), message=words))
        elif loss == attributes.ATTEMPTS and losses >= MAX_LOST_WORKERS:
            self._on_break(run.claim, f"its worker was lost {losses} times, last: {reason}")
        else:
            self._continue(run, reason)

    def _count(self, run: Run, loss: str) -> int:
        """Count a loss of a trial; 0 where it is not ours any more."""
        answer = self._book.count(run.claim.number, loss)
        if isinstance(answer, Fence):
            self._let_go(run, answer)
            return 0
        return answer

    def _continue(self, run: Run, reason: str) -> None:
        words = f"worker lost ({reason}); it will be continued from its checkpoint"
        self._observers.note(f"trial {run.claim.number}: {words}")
        self._release(run)

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
