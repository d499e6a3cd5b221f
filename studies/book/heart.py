"""The heart of a coordinator: heartbeats from a thread of its own, whatever else the search waits for."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from optuna.exceptions import StorageInternalError
from sqlalchemy.exc import SQLAlchemyError

from ...errors import StudyError
from ..store.patience import RETRY_S
from .book import Book


@contextmanager
def beating(book: Book[Any]) -> Iterator[None]:
    """Renew the heartbeats of `book` within the block: a slow proposal must not look like a death."""
    done = threading.Event()
    thread = threading.Thread(target=_beat, args=(book, done), name="hpo-heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()  # not joined: it may wait for a server that does not answer, and holds nothing up


def _beat(book: Book[Any], done: threading.Event) -> None:
    wait_s = book.heartbeat_s
    while not done.wait(wait_s):
        wait_s = RETRY_S
        # a store that is away, or a study that was deleted: the search finds out by itself, and says so
        with suppress(SQLAlchemyError, StorageInternalError, StudyError):
            book.beat()
            wait_s = book.heartbeat_s
