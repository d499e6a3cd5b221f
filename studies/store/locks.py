"""One process at a time: a lock on a file, which the system frees however its holder ends."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ...common.private import no_link


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Hold the lock at `path` (created where missing, left behind); waits for whoever has it.

    Raises:
        OSError: the file cannot be created.
    """
    handle = _open(path)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
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


def _open(path: Path) -> int:
    return no_link(str(path), os.O_CREAT | os.O_RDWR)
