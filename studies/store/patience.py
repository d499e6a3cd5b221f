"""Patience with a store that is away: a file that a backup holds, a server that is restarted or cannot be reached."""

import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from optuna.exceptions import StorageInternalError
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from ...errors import StudyError

T = TypeVar("T")

RETRY_S = 5.0
"""How soon a store that did not answer is asked again: sooner than a server is back after a restart."""
GIVE_UP_S = 12 * 3600.0
"""How long it is waited for: a night, after which somebody will have seen it.

Trials go on meanwhile, each until its worker has no room left for reports; after that they wait, too.
"""


@dataclass(frozen=True, slots=True)
class Patience:
    """Repeats what a store did not answer; says so once, and once that it answers again."""

    note: Callable[[str], None] = lambda _: None
    sleep: Callable[[float], None] = time.sleep
    now: Callable[[], float] = time.monotonic

    def __call__(self, operation: Callable[[], T]) -> T:
        """Do what `operation` does; it must be whole or nothing.

        Raises:
            StudyError: the store has been away for too long.
        """
        away_since: float | None = None
        while True:
            try:
                answer = operation()
            except (DBAPIError, StorageInternalError) as error:
                if not (reason := _why_away(error)):
                    raise
                if away_since is None:
                    away_since = self.now()
                    self.note(f"the study's store does not answer ({reason}); it is waited for, what trains goes on")
                elif self.now() - away_since > GIVE_UP_S:
                    raise StudyError(
                        f"the study's store was away for {GIVE_UP_S / 3600:.0f} hours: {reason}"
                    ) from error
                self.sleep(RETRY_S)
            else:
                if away_since is not None:
                    self.note("the study's store answers again")
                return answer


def _why_away(error: BaseException) -> str:
    """Why a store is away for a while, in a line; empty where it said something else."""
    cause: BaseException | None = error
    while cause is not None:
        orig = getattr(cause, "orig", cause)
        words = str(orig).strip().partition("\n")[0]
        if isinstance(orig, sqlite3.Error):
            return words if "locked" in words or "busy" in words else ""
        if isinstance(cause, OperationalError | InterfaceError):
            return words
        cause = cause.__cause__
    return ""
