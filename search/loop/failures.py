"""Trials that break or lose their workers: put back, put on hold, failed."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NoReturn

from ...studies import attributes
from ...studies.book.book import Book
from ...studies.book.terms import Fence, TrialState
from ...training.report import Status, TrainResult
from ..configuration.claim import Claim
from ..executors.base import Crashed, Fault, Lost
from .brake import Brake, HopelessError
from .leaving import Leaving, Run
from .losses import MAX_LOST_WORKERS, MAX_MEMORY_KILLS, MAX_SILENCES, MachineLosses
from .observers import Observers


class Failures:
    """Counts what goes wrong, and gives a trial or the search up; `directory(number)` is the folder of a trial."""

    def __init__(
        self,
        book: Book[Claim],
        observers: Observers,
        losses: MachineLosses,
        leaving: Leaving,
        directory: Callable[[int], Path],
    ) -> None:
        self._book, self._observers, self._leaving, self._directory = book, observers, leaving, directory
        self._brake, self._losses = Brake(), losses

    def settle(self) -> None:
        """Decide on the trials on hold, as nothing else is left.

        Raises:
            HopelessError: all broke.
        """
        if self._brake.on_hold:
            self._fail(self._brake.settle())
            if self._brake.on_hold:
                self._give_up()

    def worked(self) -> None:
        """Note that a trial was sound: those on hold failed by themselves."""
        self._fail(self._brake.worked())

    def lost(self, event: Lost, run: Run) -> TrainResult | None:
        """Put a trial back to be continued, unless it is to blame for too many losses.

        Return the result of one that has ended by them.
        """
        reason = event.reason
        loss = attributes.SILENCES if run.hung else _COUNTED_IN[event.fault]
        losses = 0 if loss is None else self._count(run, loss)
        if run.hung and losses > MAX_SILENCES:
            loss, losses = attributes.ATTEMPTS, self._count(run, attributes.ATTEMPTS)
        if not run.ours:
            return None
        if loss in (None, attributes.SILENCES):
            self._continue(run, reason)
            if event.fault is not Fault.NODE:  # all that a node had are lost with it, and alike
                self._losses.lost(reason)
        elif loss == attributes.MEMORY_KILLS and losses >= MAX_MEMORY_KILLS:
            words = f"its worker was killed {MAX_MEMORY_KILLS} times: too large for the memory of this machine"
            return TrainResult(Status.OUT_OF_MEMORY, None, (), message=words)
        elif loss == attributes.ATTEMPTS and losses >= MAX_LOST_WORKERS:
            self._broke(run.claim, f"its worker was lost {losses} times, last: {reason}")
        else:
            self._continue(run, reason)
        return None

    def crashed(self, event: Crashed, claim: Claim) -> None:
        """Keep the traceback of a trial, and put it on hold."""
        directory = self._directory(event.number)
        try:
            directory.mkdir(parents=True, exist_ok=True)
            (directory / "error.txt").write_text(event.traceback)
        except OSError as error:
            self._observers.note(f"trial {event.number}: its traceback cannot be kept: {error.strerror}")
        self._broke(claim, event.error)

    def _count(self, run: Run, loss: str) -> int:
        """Count a loss of a trial; 0 where it is not ours any more."""
        answer = self._book.count(run.claim.number, loss)
        if isinstance(answer, Fence):
            self._leaving.let_go(run, answer)
            return 0
        return answer

    def _continue(self, run: Run, reason: str) -> None:
        words = f"worker lost ({reason}); it will be continued from its checkpoint"
        self._observers.note(f"trial {run.claim.number}: {words}")
        self._leaving.release(run)

    def _broke(self, claim: Claim, error: str) -> None:
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
            self._leaving.tidy(number, TrialState.FAIL)


_COUNTED_IN = {
    Fault.NODE: None,
    Fault.MACHINE: None,
    Fault.MEMORY: attributes.MEMORY_KILLS,
    Fault.TRIAL: attributes.ATTEMPTS,
}
"""The attribute in which losses of a trial are counted; the machine's are not."""
