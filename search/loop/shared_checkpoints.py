"""Checkpoints on their way between the home and the store that all machines of a study share.

Files travel in threads. What a trial points to is moved in the thread of the loop, through the book, which refuses it
where somebody else has claimed the trial. The newest checkpoint wins: while one is on its way, those that follow it
are passed over, and a store that fails costs no more than a note until the next one.
"""

import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from ...errors import StudyError
from ...studies.book.book import Book
from ...studies.book.pointers import Pointer
from ...studies.shared_files.checkpoint import Checkpoint, TrialStore
from ...studies.shared_files.entry import TamperedError
from ...studies.shared_files.object_store import ObjectStoreError
from ...studies.shared_files.study_files import StudyFiles
from ...training.checkpoints.files import BEST, LAST, NEXT_BEST, PARTIAL, epochs_of
from ...training.checkpoints.still import held_still
from ..configuration.claim import Claim
from ..resolve.shared import is_behind
from .checkpoints import KEPT
from .errand import in_thread
from .sharing import Sharing, Then

WAIT_S = 600.0
"""How long a trial that pauses is held until its checkpoint is shared: a store that hangs must not keep it for ever."""
HURRY_S = 20.0
"""The same, once the search ends: of what is not shared by then at most an epoch is trained again."""
_RETRIES_S = (1.0, 5.0, 25.0)
"""How long a fetch waits before it is tried again: to begin anew costs more than half a minute."""

_REMOVAL = "removal of checkpoints"  # one that fails is made up for when the trial ends
_Seen = frozenset[tuple[str, int]]


@dataclass(slots=True)
class _Trial:
    """A trial whose checkpoints are shared.

    `seen` are the files that were shared last, `then` what waits for that. It has `left` its slot at `since`; where it
    has `ended`, only its weights are shared.
    """

    store: TrialStore
    generation: int
    shared: Checkpoint | None
    seen: _Seen = frozenset()
    errand: "Future[Checkpoint | None] | None" = None
    then: Then | None = None
    since: float = 0.0
    left: bool = False
    ended: bool = False


@dataclass
class SharedCheckpoints(Sharing):
    """Shares the checkpoints of the study of `book`; `directory(number)` is the folder of a trial here.

    `note` takes lines for the user, `now` is in seconds.
    """

    book: Book[Claim]
    files: StudyFiles
    directory: Callable[[int], Path]
    note: Callable[[str], None]
    now: Callable[[], float]
    _trials: dict[int, _Trial] = field(default_factory=dict)
    _fetches: "dict[int, tuple[Future[None], Then]]" = field(default_factory=dict)
    _clearing: "dict[int, tuple[int, Future[None]]]" = field(default_factory=dict)  # generation and errand
    _wait_s: float = WAIT_S
    _noted: bool = False

    @property
    def is_busy(self) -> bool:
        """Whether a trial waits to be put back, weights of a good one are on their way, or something is removed."""
        return any(trial.then or trial.left for trial in self._trials.values()) or bool(self._clearing)

    def begin(self, claim: Claim, then: Then) -> None:
        """Fetch the checkpoint of a claimed trial where it is further than the one here, then call `then`."""
        number, directory = claim.number, self.directory(claim.number)
        pointer = self.book.pointers().get(number) if claim.generation > 1 else None
        shared = None if pointer is None else Checkpoint.from_json(pointer.value)
        trial = self._trials[number] = _Trial(self.files.trial(number), claim.generation, shared)
        if shared is not None and is_behind(directory, shared):
            fetch = partial(_fetch, trial.store, shared, directory)
            self._fetches[number] = in_thread(fetch, f"checkpoint of trial {number}"), then
            return
        # what lies here of a trial that begins is another study's; what is shared already is not shared again
        if claim.generation == 1 or (shared is not None and not _is_ahead(directory, shared)):
            trial.seen = _look(directory)
        then()

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
        self.tidy()

    def tidy(self) -> None:
        """Remove what is shared of trials that have ended and are not among the best."""
        if pointers := self.book.pointers(finished=True):
            best = self.book.best(KEPT)  # read later than what has ended: a trial that has just won is among both
            for number in pointers.keys() - best:
                self._clear(number, pointers[number].generation)

    def drop(self, hopeless: Iterable[int]) -> None:
        """Remove what is shared of paused trials that can never go on."""
        if numbers := set(hopeless):
            for number, pointer in self.book.pointers().items():
                if number in numbers:
                    self._clear(number, pointer.generation)

    def hurry(self) -> None:
        """Wait for little from now on, as the search ends; safe in a signal handler."""
        self._wait_s = HURRY_S

    def turn(self) -> None:
        """Go on with what is on its way; never waits."""
        self._take_fetched()
        self._take_shared()
        self._take_cleared()
        for number, trial in list(self._trials.items()):
            if number not in self._fetches:
                self._go_on(number, trial)

    def _go_on(self, number: int, trial: _Trial) -> None:
        """Share what is new of a trial, and let it go where nothing is, or it took too long."""
        is_late = (trial.then or trial.left) and self.now() - trial.since > self._wait_s
        if trial.errand is None and not is_late:
            seen = _look(self.directory(number))
            if not seen <= trial.seen:
                trial.seen = seen
                put = partial(_put, trial.store, self.directory(number), trial.generation, trial.shared)
                trial.errand = in_thread(put, f"checkpoint of trial {number}")
        if trial.errand is not None and not is_late:
            return
        if trial.then is not None:
            then, trial.then, trial.left = trial.then, None, True
            then()
        if trial.left:
            self._trials.pop(number, None)

    def _take_fetched(self) -> None:
        for number, (fetch, then) in list(self._fetches.items()):
            if fetch.done():
                del self._fetches[number]
                if error := fetch.exception():
                    self.note(f"trial {number}: its checkpoint cannot be fetched, {_words(error)}")
                else:
                    self._trials[number].seen = _look(self.directory(number))
                then()

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

    def _clear(self, number: int, generation: int) -> None:
        """Remove all that is shared of a trial."""
        if number not in self._clearing:
            trial = self._trials.pop(number, None)
            clear = partial(_clear, self.files.trial(number), None if trial is None else trial.errand)
            self._clearing[number] = generation, in_thread(clear, f"removal of trial {number}")

    def _take_cleared(self) -> None:
        done = {n: generation for n, (generation, errand) in self._clearing.items() if errand.done()}
        gone = {n: Pointer(generation, None) for n, generation in done.items() if not self._clearing[n][1].exception()}
        for number in done:
            del self._clearing[number]
        if gone:
            self.book.move_pointers(gone)

    def _note_failure(self, error: BaseException) -> None:
        if not self._noted:
            self._noted = True
            self.note(f"a checkpoint cannot be shared, {_words(error)}; the next one is tried again")


def _words(error: BaseException) -> str:
    if not isinstance(error, StudyError | OSError):
        raise error  # a fault of ours
    return str(error)


def _look(directory: Path) -> _Seen:
    """The checkpoint in a folder as it is now, to see whether it changes; the weights where only these are left."""
    names = (LAST, PARTIAL) if (directory / LAST).exists() else (BEST,)
    seen = set()
    for name in names:
        try:
            seen.add((name, (directory / name).stat().st_mtime_ns))
        except OSError:
            continue
    return frozenset(seen)


def _is_ahead(directory: Path, shared: Checkpoint) -> bool:
    here = epochs_of(directory / LAST)
    return here is not None and here.done > shared.epoch


def _put(store: TrialStore, directory: Path, generation: int, former: Checkpoint | None) -> Checkpoint | None:
    """Write the newest checkpoint in a folder into the store; None where there is none."""
    with held_still(directory) as still:
        return None if still is None else store.put(generation, still.epoch, still.files, former)


def _fetch(store: TrialStore, shared: Checkpoint, directory: Path) -> None:
    """Replace the checkpoint in a folder by the one that is shared."""
    for wait_s in (*_RETRIES_S, None):
        try:
            store.fetch(shared, directory)
            break
        except TamperedError:
            raise
        except ObjectStoreError:
            if wait_s is None:
                raise
            time.sleep(wait_s)
    for name in {PARTIAL, NEXT_BEST} - shared.files.keys():  # of the checkpoint that was here
        (directory / name).unlink(missing_ok=True)


def _clear(store: TrialStore, errand: "Future[Checkpoint | None] | None") -> None:
    if errand is not None:
        errand.exception()  # until then it may still write
    store.keep_only(())
