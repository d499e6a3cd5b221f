"""What the errors of a database say: that it is away for a while, or that it never will let us in."""

import sqlite3
from collections.abc import Iterator
from typing import Any

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, TimeoutError

from ...common.masking import first_line

# PostgreSQL gives these to `InternalError`: a standby that is not promoted yet, and a transaction that stood still
_PASSING_STATES = {"25006", "25P03"}
_PERMANENT_CLASS = "54"  # limits of a program, such as a value too long for an index
# a FATAL of PostgreSQL ends a connection before it begins, without a code that could be read; these pass
_PASSING_WORDS = ("starting up", "shutting down", "recovery", "too many", "connection slots", "not yet accepting")


def why_away(error: BaseException) -> str:
    """Why a store is away for a while, in a line; empty where it said something else."""
    for cause in _causes(error):
        if isinstance(orig := getattr(cause, "orig", cause), sqlite3.Error):
            line = driver_line(orig)
            return line if "locked" in line or "busy" in line else ""
        if (isinstance(cause, DBAPIError) and _passes(cause)) or isinstance(cause, TimeoutError):
            return driver_line(orig)
    return ""


def is_refusal(error: DBAPIError) -> bool:
    """Whether a server answered that it does not let us in: a wrong password, no such database."""
    state = _state(error)
    if state:
        return state.startswith(("28", "3D", "42"))
    line = driver_line(error.orig)
    return "FATAL" in line and not any(words in line for words in _PASSING_WORDS)


def driver_line(error: BaseException | None) -> str:
    """The first line of what a driver says, without secrets and without MySQL's number of it."""
    match getattr(error, "args", ()):
        case (int(), text):
            return first_line(Exception(text))
    return first_line(error or Exception())


def _passes(error: DBAPIError) -> bool:
    if error.connection_invalidated:
        return True
    state = _state(error)
    if state in _PASSING_STATES:
        return True
    return isinstance(error, OperationalError | InterfaceError) and not state.startswith(_PERMANENT_CLASS)


def _state(error: DBAPIError) -> str:
    """The SQLSTATE that a driver tells, empty for none."""
    orig: Any = error.orig
    return getattr(orig, "sqlstate", None) or ""


def _causes(error: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__
