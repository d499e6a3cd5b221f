"""The epochs of the trials in slots: recorded in the study, and decided on."""

from collections.abc import Collection, Iterable, Mapping, Sequence

from ...studies.book.book import Book
from ...studies.book.terms import Audited, Decided, Fence, Plan, Row, Stop, TrialOutcome
from ...training.report import EpochReport, Signal
from ..configuration.claim import Claim
from ..executors.base import Executor, Reported
from .leaving import Leaving, Run
from .losses import MachineLosses
from .observers import Observers
from .watchdog import STOP_WITHIN_S, Watchdog


class Recorder:
    """Records the epochs of the trials in `runs`, by number, and stops those of which `plan` decides that."""

    def __init__(
        self,
        runs: Mapping[int, Run],
        book: Book[Claim],
        plan: Plan,
        executor: Executor,
        observers: Observers,
        watchdog: Watchdog,
        losses: MachineLosses,
        leaving: Leaving,
    ) -> None:
        self._runs, self._book, self._plan, self._executor = runs, book, plan, executor
        self._observers, self._watchdog, self._losses, self._leaving = observers, watchdog, losses, leaving

    def report(self, events: Sequence[Reported]) -> None:
        """Record the epochs that came at once."""
        rows = []
        for number, report in ((event.number, event.report) for event in events if self._runs[event.number].ours):
            self._watchdog.reported(number)
            self._losses.reported()
            if report.epoch == 1 and self._runs[number].claim.curve:
                words = "its checkpoint could not be used, so it began anew; the log of its worker says why"
                self._observers.note(f"trial {number}: {words}")
            self._runs[number].value = value = _worth(report)
            self._observers.epoch(number, report, value)
            rows += _rows(number, [report])
        if rows:
            self._record(rows)

    def catch_up(self, number: int, history: Sequence[EpochReport]) -> None:
        """Record what of a trial's history never arrived, and decide on it."""
        recorded = self._record(_rows(number, history))
        self._observers.missed(number, _missed(history, {step for _, step in recorded}))

    def finish(self, number: int, history: Sequence[EpochReport], outcome: TrialOutcome) -> Fence:
        """Tell how a trial ended, and record the epochs of its history whose reports never arrived."""
        fence = self._book.finish(number, outcome, _rows(number, history))
        self._observers.missed(number, _missed(history, fence.recorded))
        return fence

    def _record(self, rows: Sequence[Row]) -> Collection[tuple[int, int]]:
        """Record epochs, and tell workers what is decided on them; return the (trial, epoch) that are new."""
        answer = self._book.report(rows, self._decide)
        for number, fence in answer.lost.items():
            self._leaving.let_go(self._runs[number], fence)
        for number, decision in answer.decided.items():
            if isinstance(decision, Audited):
                self._observers.audited(number, decision)
                continue
            signal = Signal.STOP if isinstance(decision, Stop) else Signal.PAUSE
            self._executor.signal(number, signal, STOP_WITHIN_S)
        return answer.recorded

    def _decide(self, rows: Sequence[Row]) -> Mapping[int, Decided]:
        """The decisions on the next epochs, but for those on a trial's last one, after which it is complete."""
        steps = {number: run.claim.config.steps for number, run in self._runs.items()}
        decided = self._plan.decide(rows).items()
        return {n: decision for n, decision in decided if n in steps and decision.epoch < steps[n]}


def _rows(number: int, history: Iterable[EpochReport]) -> list[Row]:
    """What the study records of epochs of trial `number`: each of them, or of folds the last one of each."""
    return [Row(number, report.step, _worth(report), report.others) for report in history if report.step is not None]


def _worth(report: EpochReport) -> float:
    assert report.worth is not None  # a trial has validation images
    return report.worth


def _missed(history: Sequence[EpochReport], recorded: Collection[int]) -> list[EpochReport]:
    """The epochs of which trackers may not have heard, where the study had not these steps.

    Those of a fold that has not ended are nowhere recorded: trackers keep the first of each number.
    """
    ended = max((report.fold for report in history if report.ends_fold), default=0)
    return [
        report
        for report in history
        if (report.fold or report.epoch) in recorded or (report.fold and report.fold > ended)
    ]
