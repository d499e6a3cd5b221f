"""File locks, which the system frees however their holder ends."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ...common.private import no_link


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Hold the lock at `path`, waiting for whoever has it.

    The file is created where it is missing, and left behind.

    Raises:
        OSError: the file cannot be created.
    """
    handle = _open(path)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        # the file stays: removed, it would be locked by one process and made anew by the next, both holding "the" lock
        os.close(handle)


@contextmanager
def held_if_free(path: Path) -> Iterator[bool]:
    """Like `held` without the wait: False where another process has the lock."""
    handle = _open(path)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            free = True
        except BlockingIOError:
            free = False
        yield free
    finally:
        os.close(handle)


def lock_path(database: Path) -> Path:
    """The lock of an SQLite file: the same one, whichever link leads to the file."""
    real = database.resolve()
    return real.with_name(real.name + ".lock")


def _open(path: Path) -> int:
    # a link in a folder that others may write to would have this create, or lock, a file elsewhere
    return no_link(str(path), os.O_CREAT | os.O_RDWR)
