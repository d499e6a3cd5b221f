"""Patience with a store that is away: a file that a backup holds, a server that is restarted or cannot be reached."""

import time
from collections.abc import Callable
from typing import TypeVar

from optuna.exceptions import StorageInternalError
from sqlalchemy.exc import SQLAlchemyError

from ...errors import StudyError
from ..waiting import GIVE_UP_S
from .away import why_away

T = TypeVar("T")

RETRY_S = 0.5
"""How soon a store that did not answer is asked again, and Ctrl-C seen meanwhile."""
NOTE_AFTER_S = 10.0
"""How long it is waited for without a word: others write for a second, and a server restarts within a few."""
LEAVE_AFTER_S = 5.0
"""How long a search that is to end waits, so that a neighbour's write does not keep its trials from being released."""


class StoreAwayError(StudyError):
    """The end of a search whose store does not answer."""

    exit_code = 1


class LeftError(StoreAwayError):
    """The same, as the user wished."""

    exit_code = 130


class Patience:
    """Repeats what a store did not answer; says so once, and once that it answers again.

    `now` is in seconds of the clock of `deadline`, after which there is no waiting; nor is there after `give_up_s`.
    """

    def __init__(
        self,
        note: Callable[[str], None] = lambda _: None,
        sleep: Callable[[float], None] = time.sleep,
        now: Callable[[], float] = time.monotonic,
        deadline: float = float("inf"),
        give_up_s: float = GIVE_UP_S,
    ) -> None:
        self.note, self._sleep, self._now, self._deadline = note, sleep, now, deadline
        self._give_up_s = give_up_s
        self._left = False

    def leave(self) -> None:
        """Wait no more, as the user ends the search; it may be called from a signal handler."""
        self._left = True

    def __call__(self, operation: Callable[[], T]) -> T:
        """Do what `operation` does; it must be whole or nothing.

        Raises:
            StoreAwayError: the store is away, and the search was ended, or it has been for too long.
        """
        begun, noted = self._now(), False
        while True:
            try:
                answer = operation()
            except (SQLAlchemyError, StorageInternalError) as error:
                if not (reason := why_away(error)):
                    raise
                waited_s = self._now() - begun
                if end := self._end_of_wait(reason, waited_s):
                    raise end from error
                if not noted and waited_s >= NOTE_AFTER_S:
                    noted = True
                    self.note(f"the study's store does not answer ({reason}); it is waited for, what trains goes on")
                self._sleep(RETRY_S)
            else:
                if noted:
                    self.note("the study's store answers again")
                return answer

    def _end_of_wait(self, reason: str, waited_s: float) -> StoreAwayError | None:
        """The error with which a wait ends; None where it goes on."""
        if waited_s > self._give_up_s:
            return StoreAwayError(f"the study's store was away for {self._give_up_s / 60:g} minutes: {reason}")
        if waited_s < LEAVE_AFTER_S or not (self._left or self._now() >= self._deadline):
            return None
        words = f"the study's store does not answer ({reason}): the search ends without it, and the next run finds"
        return (LeftError if self._left else StoreAwayError)(f"{words} what is not written")
