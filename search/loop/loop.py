"""The event loop of a search, from claim to tell.

claim -> submit -> events -> report or tell, until the study has what was asked for.

It holds no strategy and no training. What happens is decided by the plan (what to run next, to stop and to pause), the
book (who runs it) and the executor (what came of it), in whatever time the clock keeps. What an event leads to is in
events.py.
"""

from collections.abc import Generator, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial

from ...studies.book.book import Book
from ...studies.book.terms import Exhausted, Plan, Refused, Settled, Stopped, TrialState
from ...studies.shared_files.checkpoint import Checkpoint
from ...studies.store.patience import StoreAwayError
from ...studies.tracking.tracker import Tracker
from ...training.report import Signal
from ..configuration.claim import Claim
from ..executors.base import Ended, Event, Executor, Interim, Job, Reported
from ..executors.clock import Clock
from ..progress.base import Progress
from .budget import Budget
from .events import EventHandler
from .goal import Goal, Outcome, Places
from .leaving import Run
from .observers import Observers
from .sharing import Sharing
from .watchdog import PAUSE_WITHIN_S, Watchdog

TICK_S = 0.5  # how soon an interrupt or a deadline is seen; each tick costs a glance at the clock


class Loop:
    """One run of a search.

    Call `run` once; `interrupt` may be called from a signal handler. The executor is closed at the end. `sharing`
    brings checkpoints to other machines, and from there.
    """

    def __init__(
        self,
        book: Book[Claim],
        plan: Plan,
        executor: Executor,
        tracker: Tracker,
        progress: Progress,
        clock: Clock,
        goal: Goal,
        places: Places,
        sharing: Sharing | None = None,
    ) -> None:
        self._book, self._plan, self._executor, self._clock = book, plan, executor, clock
        self._goal, self._places, self._sharing = goal, places, sharing or Sharing()
        self._observers = Observers(tracker, progress, places.trial_directory)
        self._watchdog = Watchdog()
        self._runs: dict[int, Run] = {}
        self._budget = Budget(goal, book)
        self._handler = EventHandler(
            self._runs, book, plan, executor, self._observers, self._watchdog, places.trial_directory, self._sharing
        )
        self._ending: Outcome | None = None
        self._outcome = Outcome.DONE

    def run(self) -> Outcome:
        """Run until the goal is reached; return why it ended.

        Whatever was running by then waits to be continued.

        Raises:
            HopelessError: trial after trial broke.
            BlockedError: the machine lets no trial go on.
            StoreAwayError: the store does not answer, and is waited for no longer.
        """
        for _ in self.turns():
            pass
        return self._ending or self._outcome

    def turns(self) -> Generator[None, None, None]:
        """Run as `run` does, turn by turn: for whoever drives several searches at once."""
        self._recover()
        self._handler.sweep()
        self._handler.drop_hopeless(self._goal.most_trials)
        self._end_if(self._budget.reached())
        try:
            self._fill()
            while not self._over():
                self._turn()
                yield
                self._fill()
        except StoreAwayError:
            self._leave()
            raise
        finally:
            # a second Ctrl-C, a fault or a bug. In this order: a trial that is released may be taken by another
            # coordinator at once, and its worker here must not write into its folder any more
            self._executor.close()
            with suppress(Exception):  # of a store that cannot be written: the next run finds them orphaned
                self._book.abandon()

    def interrupt(self) -> None:
        """End the run: start nothing more, and pause what runs."""
        self._book.leave()
        self._end_early(Outcome.INTERRUPTED)

    def _turn(self) -> None:
        if not self._runs:
            self._handler.settle()
        if events := self._executor.next_events(TICK_S):
            self._follow(events)
        elif not self._runs:
            self._clock.sleep(TICK_S)  # trials of other coordinators are all that is left
        if self._ending is not None:
            self._cancel()
        self._sharing.turn()
        if self._handler.has_paused:
            self._handler.drop_hopeless(self._goal.most_trials)
        self._housekeep()

    def _follow(self, events: Sequence[Event]) -> None:
        self._handler.handle(events)
        if any(isinstance(event, Ended) for event in events):
            self._end_if(self._budget.reached())
        elif any(isinstance(event, Reported) for event in events):
            self._end_if(self._budget.reached_by_epochs())

    def _over(self) -> bool:
        if self._runs or self._sharing.is_busy:
            return False
        if self._ending is not None:
            return True
        if self._goal.only is not None:
            return self._goal.only.issubset(self._book.finished())
        if self._goal.trials is None:
            return False
        counts = self._book.counts()
        return counts.finished >= self._goal.trials and not counts.paused

    def _fill(self) -> None:
        while self._ending is None and len(self._runs) < self._executor.slots:
            match claim := self._book.claim(self._goal.trials, self._plan, self._goal.only):
                case None:
                    return
                case Refused(number):
                    self._observers.refused(claim)
                    self._handler.tidy(number, TrialState.FAIL)
                case Exhausted():
                    self._exhaust(claim)
                case Stopped():
                    self._settle([claim])
                case Settled(trials):
                    self._settle(trials)
                case _:
                    self._start(claim)

    def _settle(self, trials: Iterable[Stopped]) -> None:
        for trial in trials:
            self._observers.stopped(trial)
            self._handler.tidy(trial.number, TrialState.PRUNED)

    def _exhaust(self, end: Exhausted) -> None:
        """Search no further than to the end of what has begun, here and elsewhere.

        Without a total, what the search was given to spend is spent on the trials that are paused.
        """
        counts, rest = self._book.counts(), ""
        if self._goal.trials is None:
            self._plan.spend()
            rest = "; paused ones go on, the most promising first" if counts.paused else ""
        self._observers.note(f"the {end.scope} is exhausted: {end.configurations} configurations, each was tried{rest}")
        self._goal = replace(self._goal, trials=counts.begun)
        self._outcome = Outcome.EXHAUSTED

    def _start(self, claim: Claim) -> None:
        self._observers.started(claim)
        self._runs[claim.number] = Run(claim, claim.curve.get(max(claim.curve, default=0)))
        self._watchdog.began(claim.number)
        directory = self._places.trial_directory(claim.number)
        alone = claim.number in self._handler.alone
        pack, limit_s = self._places.pack, self._goal.trial_timeout_s
        job = Job(claim.number, claim.config, directory, pack, claim.generation, alone, limit_s)
        self._sharing.begin(claim, partial(self._submit, job))

    def _submit(self, job: Job, checkpoint: Checkpoint | None) -> None:
        self._executor.submit(replace(job, checkpoint=checkpoint))
        if self._ending is not None:  # an interrupt came while the trial was claimed
            self._pause(job.number)

    def _housekeep(self) -> None:
        if self._book.heartbeat():
            self._recover()
            self._end_if(self._budget.reached())  # perhaps by what others have trained
        now = self._clock.now()
        for number in self._watchdog.silent(now):
            self._kill_hung(number)
        if now >= self._goal.deadline:
            self._end_early(Outcome.TIMED_OUT)

    def _kill_hung(self, number: int) -> None:
        self._observers.note(f"trial {number}: its worker has said nothing for far longer than usual; it is killed")
        self._runs[number].hung = True
        self._watchdog.forget(number)
        self._executor.signal(number, Signal.PAUSE, within_s=0.0)

    def _recover(self) -> None:
        for number in self._book.recover():
            self._observers.note(f"trial {number}: its coordinator is gone; it will be continued")

    def _end_if(self, outcome: Outcome | None) -> None:
        if outcome is not None:
            self._end_early(outcome)

    def _end_early(self, outcome: Outcome) -> None:
        if self._ending is None:
            self._ending, self._handler.ending = outcome, True
            self._sharing.hurry()
            for number in list(self._runs):
                self._pause(number)

    def _leave(self) -> None:
        """Let what runs pause, without a word to the store: the next run finds its trials, and what they trained."""
        self._end_early(Outcome.INTERRUPTED)
        self._cancel()
        while self._runs:
            for event in self._executor.next_events(TICK_S):
                if not isinstance(event, Interim):
                    self._runs.pop(event.number, None)

    def _cancel(self) -> None:
        """Take out the trials that have not begun, as the search ends; they are put back at its end, see `turns`."""
        for number in self._sharing.cancel():
            del self._runs[number]
            self._watchdog.forget(number)

    def _pause(self, number: int) -> None:
        self._executor.signal(number, Signal.PAUSE, PAUSE_WITHIN_S)
