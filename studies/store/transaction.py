"""Transactions on one study, in whichever database holds it."""

from collections.abc import Iterator
from contextlib import contextmanager

from optuna.storages import BaseStorage, RDBStorage
from sqlalchemy.engine import Engine

from ...errors import StudyError
from .pipeline import pipeline
from .rows import Transaction
from .study_reader import StudyReader


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
    with pipeline(engine) as statements:
        statements.begin()
        yield Transaction(statements, study_id, lock=True)
        statements.commit()


@contextmanager
def look(engine: Engine, study_id: int) -> Iterator[StudyReader]:
    """A look at a study, which waits for nobody.

    Raises:
        StudyGoneError: the study was deleted.
    """
    with pipeline(engine) as statements:
        statements.look()
        yield StudyReader(statements, study_id)
