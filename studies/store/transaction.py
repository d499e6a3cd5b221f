"""Transactions on one study, in whichever database holds it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from optuna.storages import BaseStorage, RDBStorage
from sqlalchemy.engine import Connection, Engine

from ...errors import StudyError
from .rows import Transaction
from .sqlite_storage import BUSY_TIMEOUT_S
from .statements import LOCKED_STUDY, LOCKED_STUDY_FOR_A_WHILE

LOCK_WAIT_S = 1.0
"""How long a transaction waits for another writer of an SQLite file; whoever has patience begins it again."""


class StudyGoneError(StudyError):
    """The study was deleted."""


def engine_of(storage: BaseStorage) -> Engine:
    """The engine of a store.

    Raises:
        StudyError: it is no database.
    """
    engine: Engine = backend_of(storage).engine
    return engine


def backend_of(storage: BaseStorage) -> RDBStorage:
    """The database below the cache that a study wraps it in.

    Raises:
        StudyError: there is none.
    """
    backend = getattr(storage, "_backend", storage)
    if not isinstance(backend, RDBStorage):
        raise StudyError(f"a study must be kept in a database, got {type(backend).__name__}; see open_storage")
    return backend


@contextmanager
def transaction(engine: Engine, study_id: int) -> Iterator[Transaction]:
    """One transaction on a study, which excludes every other writer to it; an exception takes all of it back.

    Raises:
        StudyGoneError: the study was deleted.
    """
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":  # which has no lock of a row
            _lock_file(connection)
        # rows get their ids in the order in which transactions end, so that a reader never misses one
        lock = LOCKED_STUDY_FOR_A_WHILE if engine.dialect.name == "postgresql" else LOCKED_STUDY
        if connection.execute(lock, {"study": study_id}).first() is None:
            raise StudyGoneError("the study was deleted")
        yield Transaction(connection, study_id)
        connection.commit()


def _lock_file(connection: Connection) -> None:
    """Begin to write to an SQLite file; the wait for another writer is short, as Python sees no Ctrl-C within it."""
    # note: straight to the driver, as every transaction does this: through SQLAlchemy it takes a fifth of one's time
    sqlite: Any = connection.connection.driver_connection
    sqlite.execute(f"PRAGMA busy_timeout = {LOCK_WAIT_S * 1000:.0f}")
    try:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    finally:
        sqlite.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_S * 1000:.0f}")
