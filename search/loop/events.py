"""What the loop does at each event: report, tell, put back, give up."""

from collections.abc import Callable, Sequence
from pathlib import Path

from ...studies.book.book import Book
from ...studies.book.terms import Plan, TrialState
from ...training.report import Status, TrainResult
from ..configuration.claim import Claim
from ..executors.base import Blocked, Busy, Crashed, Ended, Event, Executor, Interim, Lost, Reported, Resumed, Shared
from .failures import Failures
from .leaving import Leaving, Run
from .losses import MEND, BlockedError, MachineLosses
from .observers import Observers
from .outcome import duration_note, outcome_of
from .recorder import Recorder
from .sharing import Sharing
from .watchdog import Watchdog


class EventHandler:
    """Follows the events of the trials in `runs`, by number, and takes out those that end.

    `ending` is to be set once the search ends: what is lost then is nobody's fault. `alone` are the trials that are to
    have a card for themselves, since they ran out of memory beside others.
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
        sharing: Sharing,
    ) -> None:
        self._runs, self._book, self._plan = runs, book, plan
        self._observers, self._watchdog, self._sharing = observers, watchdog, sharing
        losses = MachineLosses()
        self._leaving = Leaving(book, executor, observers, directory, sharing)
        self._recorder = Recorder(runs, book, plan, executor, observers, watchdog, losses, self._leaving)
        self._failures = Failures(book, observers, losses, self._leaving, directory)
        self.ending = False
        self.alone: set[int] = set()

    @property
    def has_paused(self) -> bool:
        """Whether a trial was paused at a rung since the last `drop_hopeless`."""
        return self._leaving.has_paused

    def sweep(self) -> None:
        """Remove the checkpoints that earlier runs have left."""
        self._leaving.sweep()
        self._book.catch_up(self._plan)

    def handle(self, events: Sequence[Event]) -> None:
        """Follow events in their order.

        Raises:
            HopelessError: trial after trial broke.
            BlockedError: the machine lets no trial go on.
        """
        # a worker that was given up may still have had a word on its way
        self._recorder.report([event for event in events if isinstance(event, Reported) and self._is_current(event)])
        for event in events:
            if self._is_current(event):  # which the event before may have changed
                self._handle(event, self._runs[event.number])

    def settle(self) -> None:
        """Decide on the trials on hold, as nothing else is left."""
        if not self.ending:
            self._failures.settle()

    def tidy(self, number: int, state: TrialState) -> None:
        """Remove what a trial that ended in `state` has left."""
        self._leaving.tidy(number, state)

    def drop_hopeless(self, limit: int | None) -> None:
        """Remove the checkpoints of paused trials that can never go on in a study of `limit` trials."""
        self._leaving.drop_hopeless(self._plan, limit)

    def _handle(self, event: Event, run: Run) -> None:
        if not isinstance(event, Interim):
            del self._runs[event.number]
            self._watchdog.forget(event.number)
        if run.ours:
            self._follow(event, run)

    def _is_current(self, event: Event) -> bool:
        run = self._runs.get(event.number)
        return run is not None and run.claim.generation == event.generation

    def _follow(self, event: Event, run: Run) -> None:
        match event:
            case Busy(number, _, activity):
                self._watchdog.heard(number)
                self._observers.busy(number, activity)
            case Resumed(number, _, history):
                self._watchdog.heard(number)
                self._recorder.catch_up(number, history)
            case Shared(number):
                self._watchdog.heard(number)
                self._sharing.arrived(event)
            case Ended(_, _, result):
                self._on_end(run, result)
            case Lost():
                self._on_lost(event, run)
            case Crashed():
                self._failures.crashed(event, run.claim)
            case Blocked(number, _, reason):
                raise BlockedError(f"trial {number} cannot go on: {reason}\n  {MEND}")
            case Reported():
                pass  # written already, with all that came at once

    def _on_end(self, run: Run, result: TrainResult) -> None:
        claim = run.claim
        if result.status is Status.CROWDED:
            self._observers.note(f"trial {claim.number}: {result.message}; it is tried again, alone on a card")
            self.alone.add(claim.number)
        if result.status in (Status.PAUSED, Status.CROWDED):
            self._runs[claim.number] = run  # until its last words are recorded
            self._recorder.catch_up(claim.number, result.history)
            del self._runs[claim.number]
            if run.ours:
                self._leaving.release(run, duration_note(result))
            return
        outcome = outcome_of(result, claim.config.objective)
        fence = self._recorder.finish(claim.number, result.history, outcome)
        if not fence.held:
            self._leaving.let_go(run, fence)
            return
        self._failures.worked()
        self._observers.trained(claim, fence.state, outcome.value, result)
        self._leaving.tidy(claim.number, fence.state)

    def _on_lost(self, event: Lost, run: Run) -> None:
        if self.ending:  # by what asks this process to end, as likely as not
            self._leaving.release(run)
        elif (result := self._failures.lost(event, run)) is not None:
            self._on_end(run, result)
