"""How trials leave their slots, and which files of theirs are kept then."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from ...studies.book.book import Book
from ...studies.book.terms import Fence, Plan, TrialState
from ...training.report import Signal
from ..configuration.claim import Claim
from ..executors.base import Executor
from .checkpoints import KEPT, Checkpoints
from .observers import Observers
from .sharing import Sharing
from .watchdog import STOP_WITHIN_S


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


class Leaving:
    """Puts trials back, lets them go and tidies up after them; `directory(number)` is the folder of a trial.

    `sharing` shares their checkpoints with other machines. `has_paused` says that a trial was paused at a rung since
    the last `drop_hopeless`.
    """

    def __init__(
        self,
        book: Book[Claim],
        executor: Executor,
        observers: Observers,
        directory: Callable[[int], Path],
        sharing: Sharing,
    ) -> None:
        self._book, self._executor, self._observers, self._sharing = book, executor, observers, sharing
        self._checkpoints = Checkpoints(directory)
        self.has_paused = False

    def sweep(self) -> None:
        """Remove the checkpoints that earlier runs have left."""
        self._checkpoints.sweep(self._book.finished(), self._book.best(KEPT))
        self._sharing.tidy()

    def tidy(self, number: int, state: TrialState) -> None:
        """Remove what a trial that ended in `state` has left."""
        if state is TrialState.COMPLETE:
            self._checkpoints.rank(self._book.best(KEPT))
        self._checkpoints.ended(number)
        self._sharing.ended(number)

    def drop_hopeless(self, plan: Plan, limit: int | None) -> None:
        """Remove the checkpoints of paused trials that can never go on in a study of `limit` trials."""
        hopeless = plan.hopeless(self._book.paused, limit)
        self._checkpoints.drop(hopeless)
        self._sharing.drop(hopeless)
        self.has_paused = False

    def release(self, run: Run, notes: Mapping[str, Any] | None = None) -> None:
        """Put a trial back, once its checkpoint is shared: it waits, or is paused where that is decided."""
        self._sharing.leave(run.claim.number, partial(self._put_back, run, notes))

    def _put_back(self, run: Run, notes: Mapping[str, Any] | None) -> None:
        fence = self._book.release(run.claim.number, notes)
        if fence.rung is not None:
            self.has_paused = True
            self._observers.paused(run.claim, fence.rung, run.value)

    def let_go(self, run: Run, fence: Fence) -> None:
        """Forget a trial that is somebody else's now; its slot is free when its worker has left."""
        number, state = run.claim.number, fence.state
        run.ours = False
        self._sharing.forget(number)
        self._executor.signal(number, Signal.STOP, STOP_WITHIN_S)
        told = state.is_finished()
        how = f"was ended by somebody else as {state.name}" if told else "was taken over by another coordinator"
        message = f"trial {number} {how}; its training here stops"
        self._observers.note(message)
        if told:
            self._observers.ended(number, state, None, "told elsewhere", message, {}, {})
            self.tidy(number, state)
