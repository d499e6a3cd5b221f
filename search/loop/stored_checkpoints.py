"""What all ways of sharing checkpoints have in common: the removal of those that nobody needs any more."""

from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from ...studies.book.book import Book
from ...studies.shared_files.study_files import StudyFiles
from ..configuration.claim import Claim
from .checkpoints import KEPT
from .removal import Removal
from .sharing import Sharing

WAIT_S = 600.0
"""How long a trial that pauses is held until its checkpoint is shared: a store that hangs must not keep it for ever."""
HURRY_S = 20.0
"""The same, once the search ends: of what is not shared by then at most an epoch is trained again."""


@dataclass
class StoredCheckpoints(Sharing):
    """Removes checkpoints of the study of `book` from the store of its `files`.

    `note` takes lines for the user, `now` is in seconds.
    """

    book: Book[Claim]
    files: StudyFiles
    note: Callable[[str], None]
    now: Callable[[], float]

    def __post_init__(self) -> None:
        self._removal = Removal(self.book, self.files, self.now)
        self._wait_s = WAIT_S
        self._untidy = False

    @property
    def is_busy(self) -> bool:
        """Whether something is to be removed."""
        return self._untidy or self._removal.is_busy(self._wait_s)

    def ended(self, number: int) -> None:
        """Have all be removed that is shared of trials which have ended, but of the best."""
        self._untidy = True  # once for all that end in a turn

    def tidy(self) -> None:
        """Remove what is shared of trials that have ended and are not among the best."""
        self._untidy = False
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
        """Go on with what is to be removed; never waits."""
        if self._untidy:
            self.tidy()
        self._removal.turn()

    def _clear(self, number: int, generation: int, errand: "Future[Any] | None" = None) -> None:
        """Remove all that is shared of a trial, once `errand` writes nothing more of it."""
        self._removal.add(number, generation, errand)
