"""The removal of what is shared of trials that need it no more."""

from collections.abc import Callable, Mapping
from concurrent.futures import Future, wait
from dataclasses import dataclass, field
from typing import Any

from ...studies.book.book import Book
from ...studies.book.pointers import Pointer
from ...studies.shared_files.object_store import ObjectStoreError
from ...studies.shared_files.study_files import StudyFiles
from ..executors.errand import in_thread


@dataclass(frozen=True, slots=True)
class _Doomed:
    """A trial as of its last claim, and what may still be written of it."""

    generation: int
    errand: "Future[Any] | None"


@dataclass
class Removal:
    """Removes all of trials in a thread, one batch after the other; then they point nowhere. `now` is in seconds."""

    book: Book[Any]
    files: StudyFiles
    now: Callable[[], float]
    _waiting: dict[int, _Doomed] = field(default_factory=dict)
    _batch: dict[int, _Doomed] = field(default_factory=dict)
    _errand: "Future[list[int]] | None" = None
    _since: float = 0.0

    def is_busy(self, wait_s: float) -> bool:
        """Whether something is left to remove, and the store has not hung for `wait_s` seconds."""
        return bool(self._waiting or self._batch) and (self._errand is None or self.now() - self._since < wait_s)

    def add(self, number: int, generation: int, errand: "Future[Any] | None" = None) -> None:
        """Remove all of a trial, once `errand` writes nothing more of it."""
        if number not in self._batch:
            self._waiting.setdefault(number, _Doomed(generation, errand))

    def turn(self) -> None:
        """Go on; never waits."""
        if self._errand is not None and self._errand.done():
            removed, self._errand = self._errand.result(), None
            gone = {number: Pointer(self._batch[number].generation, None) for number in removed}
            self._batch = {}
            if gone:
                self.book.move_pointers(gone)
        if self._errand is None and self._waiting:
            self._batch, self._waiting, self._since = self._waiting, {}, self.now()
            batch = self._batch
            self._errand = in_thread(lambda: _remove(self.files, batch), "removal of trials")


def _remove(files: StudyFiles, batch: Mapping[int, _Doomed]) -> list[int]:
    """Remove all of trials; return the numbers of those of which nothing is left."""
    removed = []
    for number, doomed in batch.items():
        if doomed.errand is not None:
            wait([doomed.errand])
        try:
            files.trial(number).keep_only(())
        except ObjectStoreError:  # the next search on the study tries again
            continue
        removed.append(number)
    return removed
