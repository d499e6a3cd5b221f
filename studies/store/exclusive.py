"""The lock of a store: one coordinator at a time claims, recovers, or opens a study.

It excludes threads, processes and hosts, and is freed however its holder ends.
"""

import hashlib
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Protocol
from weakref import WeakKeyDictionary

from optuna.storages import BaseStorage
from sqlalchemy import func, select
from sqlalchemy.engine import Engine

from ...errors import StudyError
from .locks import held, lock_path
from .transaction import engine_of

_in_memory: WeakKeyDictionary[Engine, threading.Lock] = WeakKeyDictionary()


class Exclusive(Protocol):
    """What only one coordinator may hold at a time; it cannot be held twice by one thread."""

    def hold(self) -> AbstractContextManager[None]:
        """Wait for the lock, and hold it within the block."""
        ...


class FileLock:
    """The lock of an SQLite file: a file beside it, so that two homes that share the one share the other."""

    def __init__(self, database: Path) -> None:
        self._path = lock_path(database)

    def hold(self) -> AbstractContextManager[None]:
        """Wait for the lock, and hold it within the block."""
        return held(self._path)


class ThreadLock:
    """The lock of a store in memory, which threads of one process share."""

    def __init__(self, engine: Engine) -> None:
        self._lock = _in_memory.setdefault(engine, threading.Lock())

    def hold(self) -> AbstractContextManager[None]:
        """Wait for the lock, and hold it within the block."""
        return _within(self._lock)


class AdvisoryLock:
    """A lock that a database server keeps for a connection, by name."""

    def __init__(self, engine: Engine, take: Callable[[], Any], free: Callable[[], Any]) -> None:
        self._engine, self._take, self._free = engine, take, free

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Wait for the lock, and hold it within the block."""
        # a connection of its own: the server frees the lock with it, whatever becomes of this process
        with self._engine.connect() as connection:
            connection.execute(select(self._take()))
            try:
                yield
            finally:
                connection.execute(select(self._free()))


def exclusive(storage: BaseStorage, study: str) -> Exclusive:
    """The lock under which trials of `study` are claimed in `storage`.

    Raises:
        StudyError: the database has no lock that hpo knows.
    """
    engine = engine_of(storage)
    match engine.dialect.name:
        case "sqlite":
            return FileLock(Path(file)) if (file := _file_of(engine)) else ThreadLock(engine)
        case "postgresql":
            key = int.from_bytes(hashlib.sha256(study.encode()).digest()[:8], signed=True)
            return AdvisoryLock(engine, lambda: func.pg_advisory_lock(key), lambda: func.pg_advisory_unlock(key))
        case "mysql" | "mariadb":
            name = f"hpo-{hashlib.sha256(study.encode()).hexdigest()[:32]}"  # MySQL takes at most 64 characters
            forever = -1
            return AdvisoryLock(engine, lambda: func.get_lock(name, forever), lambda: func.release_lock(name))
        case other:
            raise StudyError(
                f"--storage: {other} has no lock under which several coordinators could claim trials; "
                "use sqlite, postgresql or mysql"
            )


def _file_of(engine: Engine) -> str:
    """The path of an SQLite database, empty for one in memory."""
    # asked of SQLite itself, which knows what a `file:` URI or a relative path has led to
    with engine.connect() as connection:
        files = {name: file for _, name, file in connection.exec_driver_sql("PRAGMA database_list")}
    return str(files["main"])


@contextmanager
def _within(lock: threading.Lock) -> Iterator[None]:
    with lock:
        yield
