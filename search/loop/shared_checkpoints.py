"""Checkpoints on their way between the home and the store that all machines of a study share.

Files travel in threads. What a trial points to is moved in the thread of the loop, through the book, which refuses it
where somebody else has claimed the trial. The newest checkpoint wins: while one is on its way, those that follow it
are passed over, and a store that fails costs no more than a note until the next one.
"""

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from ...errors import StudyError
from ...studies.book.pointers import Pointer
from ...studies.shared_files.checkpoint import Checkpoint, TrialStore
from ...training.checkpoints.files import LAST
from ..configuration.claim import Claim
from ..executors.carriage import Seen, fetch, is_ahead, look, put
from ..executors.errand import in_thread
from ..resolve.shared import is_behind
from .checkpoints import KEPT
from .sharing import Begin, Then
from .stored_checkpoints import StoredCheckpoints

_REMOVAL = "removal of checkpoints"  # one that fails is made up for when the trial ends


@dataclass(slots=True)
class _Trial:
    """A trial whose checkpoints are shared.

    `seen` are the files that were shared last, `then` what waits for that. It has `left` its slot at `since`; where it
    has `ended`, only its weights are shared.
    """

    store: TrialStore
    generation: int
    shared: Checkpoint | None
    seen: Seen = frozenset()
    errand: "Future[Checkpoint | None] | None" = None
    then: Then | None = None
    since: float = 0.0
    left: bool = False
    ended: bool = False


@dataclass
class SharedCheckpoints(StoredCheckpoints):
    """Shares the checkpoints of the study; `directory(number)` is the folder of a trial here."""

    directory: Callable[[int], Path]
    _trials: dict[int, _Trial] = field(default_factory=dict)
    _fetches: "dict[int, tuple[Future[None], Begin]]" = field(default_factory=dict)
    _noted: bool = False

    @property
    def is_busy(self) -> bool:
        """Whether a trial waits to be put back, weights of a good one are on their way, or something is removed."""
        is_leaving = any(trial.then or trial.left for trial in self._trials.values())
        return is_leaving or super().is_busy

    def begin(self, claim: Claim, then: Begin) -> None:
        """Fetch the checkpoint of a claimed trial where it is further than the one here, then call `then`."""
        number, directory = claim.number, self.directory(claim.number)
        pointer = self.book.pointers().get(number) if claim.generation > 1 else None
        shared = None if pointer is None else Checkpoint.from_json(pointer.value)
        trial = self._trials[number] = _Trial(self.files.trial(number), claim.generation, shared)
        if shared is not None and is_behind(directory, shared):
            errand = partial(fetch, trial.store, shared, directory)
            self._fetches[number] = in_thread(errand, f"checkpoint of trial {number}"), then
            return
        # what lies here of a trial that begins is another study's; what is shared already is not shared again
        if claim.generation == 1 or (shared is not None and not is_ahead(directory, shared)):
            trial.seen = look(directory)
        then(None)

    def cancel(self) -> list[int]:
        """Have the trials not begin whose checkpoints are on their way; return their numbers."""
        cancelled = list(self._fetches)
        self._fetches.clear()
        for number in cancelled:
            del self._trials[number]
        return cancelled

    def leave(self, number: int, then: Then) -> None:
        """Share the last checkpoint of a trial, then call `then`."""
        trial = self._trials.get(number)
        if trial is None:
            then()
            return
        trial.then, trial.since = then, self.now()

    def forget(self, number: int) -> None:
        """Share no more of a trial that is somebody else's; what is on its way is refused by the book."""
        if trial := self._trials.get(number):
            trial.left, trial.since = True, self.now()

    def ended(self, number: int) -> None:
        """Share the weights of a trial that has ended among the best; remove all of one that has not."""
        if trial := self._trials.get(number):
            if number in self.book.best(KEPT):
                trial.seen, trial.ended, trial.left, trial.since = frozenset(), True, True, self.now()
            else:
                self._clear(number, trial.generation)
        super().ended(number)

    def turn(self) -> None:
        """Go on with what is on its way; never waits."""
        self._take_fetched()
        self._take_shared()
        super().turn()
        for number, trial in list(self._trials.items()):
            if number not in self._fetches:
                self._go_on(number, trial)

    def _go_on(self, number: int, trial: _Trial) -> None:
        """Share what is new of a trial, and let it go where nothing is, or it took too long."""
        is_late = (trial.then or trial.left) and self.now() - trial.since > self._wait_s
        if trial.errand is None and not is_late:
            seen = look(self.directory(number))
            if not seen <= trial.seen:
                trial.seen = seen
                errand = partial(put, trial.store, self.directory(number), trial.generation, trial.shared)
                trial.errand = in_thread(errand, f"checkpoint of trial {number}")
        if trial.errand is not None and not is_late:
            return
        if trial.then is not None:
            then, trial.then, trial.left = trial.then, None, True
            then()
        if trial.left:
            self._trials.pop(number, None)

    def _take_fetched(self) -> None:
        for number, (errand, then) in list(self._fetches.items()):
            if errand.done():
                del self._fetches[number]
                if error := errand.exception():
                    self.note(f"trial {number}: its checkpoint cannot be fetched, {_words(error)}")
                else:
                    self._trials[number].seen = look(self.directory(number))
                then(None)

    def _take_shared(self) -> None:
        """Have trials point to what has arrived, and remove what they pointed to before."""
        arrived: dict[int, Checkpoint] = {}
        for number, trial in self._trials.items():
            if trial.errand is not None and trial.errand.done():
                errand, trial.errand = trial.errand, None
                if error := errand.exception():
                    self._note_failure(error)
                elif (checkpoint := errand.result()) is not None:
                    arrived[number] = checkpoint
                elif trial.then is None:  # it was just being replaced
                    trial.seen = frozenset()
        if not arrived:
            return
        self._noted = False
        pointers = {n: Pointer(each.generation, each.to_json()) for n, each in arrived.items()}
        moved = self.book.move_pointers(pointers)
        for number, checkpoint in arrived.items():
            trial = self._trials[number]
            former = frozenset() if trial.shared is None else trial.shared.keys
            if number in moved:
                trial.shared = checkpoint
                if trial.ended and LAST not in checkpoint.files:  # nothing of it is written after these weights
                    in_thread(partial(trial.store.keep_only, checkpoint.keys), _REMOVAL)
                else:
                    in_thread(partial(trial.store.remove, former - checkpoint.keys), _REMOVAL)
            else:  # somebody else has the trial
                trial.left, trial.since = True, self.now()
                in_thread(partial(trial.store.remove, checkpoint.keys - former), _REMOVAL)

    def _clear(self, number: int, generation: int, errand: "Future[Any] | None" = None) -> None:
        """Remove all that is shared of a trial, where there is or may yet be something."""
        trial = self._trials.pop(number, None)
        if trial is None or trial.shared or trial.errand:
            super()._clear(number, generation, errand if trial is None else trial.errand)

    def _note_failure(self, error: BaseException) -> None:
        if not self._noted:
            self._noted = True
            self.note(f"a checkpoint cannot be shared, {_words(error)}; the next one is tried again")


def _words(error: BaseException) -> str:
    if not isinstance(error, StudyError | OSError):
        raise error  # a fault of ours
    return str(error)
