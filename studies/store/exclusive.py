"""The lock of a store: one coordinator at a time opens a study, or claims from one in an SQLite file.

It excludes threads, processes and hosts, and is freed however its holder ends.
"""

import hashlib
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Protocol
from weakref import WeakKeyDictionary

from optuna.storages import BaseStorage
from sqlalchemy import Executable, String, func, literal_column, select
from sqlalchemy.engine import Engine
from sqlalchemy.exc import DBAPIError

from ...errors import StudyError
from .locks import held, lock_path
from .statements import LIMIT_STANDSTILL
from .transaction import engine_of

_TURN_S = 30
"""How long MySQL waits for a lock before it is asked again: less than a connection may be silent (server.py)."""

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
    """A lock that a database server keeps by name until a transaction, or a connection, ends.

    `take` waits for it for a while, and answers whether it was got; `free` is for a lock that outlives its transaction.
    """

    def __init__(self, engine: Engine, take: Executable, free: Executable | None = None) -> None:
        self._engine, self._take, self._free = engine, take, free

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Wait for the lock, and hold it within the block."""
        # a connection of its own: the server frees the lock with it, whatever becomes of this process
        with self._engine.connect() as connection:
            while not connection.execute(self._take).scalars().one():
                continue
            try:
                yield
            finally:
                with suppress(DBAPIError):  # where the connection is lost, so is the lock, and what was done is done
                    if self._free is not None:
                        connection.execute(self._free)
                    connection.rollback()


def exclusive(storage: BaseStorage, study: str) -> Exclusive:
    """The lock under which `study` is opened in `storage`, and claimed from where that is an SQLite file.

    Raises:
        StudyError: the database has no lock that hpo knows.
    """
    engine = engine_of(storage)
    if engine.dialect.name == "sqlite":
        return FileLock(Path(file)) if (file := _file_of(engine)) else ThreadLock(engine)
    lock = advisory_lock(engine, f"study/{study}")
    if lock is None:
        raise StudyError(
            f"--storage: {engine.dialect.name} has no lock under which several coordinators could claim trials; "
            "use sqlite, postgresql or mysql"
        )
    return lock


def advisory_lock(engine: Engine, name: str) -> AdvisoryLock | None:
    """The lock `name` of a database; None where hpo knows of none."""
    digest = hashlib.sha256(f"{engine.url.database}/{name}".encode()).digest()
    match engine.dialect.name:
        case "postgresql":
            key = int.from_bytes(digest[:8], signed=True)
            # of a transaction, as a pooler may give the next one another connection; its answer is void, as text empty
            taken = func.pg_advisory_xact_lock(key).cast(String) == ""
            return AdvisoryLock(engine, select(taken, literal_column(LIMIT_STANDSTILL)))
        case "mysql" | "mariadb":
            text = f"hpo-{digest.hex()[:32]}"  # of all databases of the server, in at most 64 characters
            return AdvisoryLock(engine, select(func.get_lock(text, _TURN_S)), select(func.release_lock(text)))
    return None


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
