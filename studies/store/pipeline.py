"""The statements of a transaction, of which a server gets as many at once as it can.

A statement waits until an answer is asked for that is not there yet: then all that wait are sent, in their order, in
one round trip. Over a wire of 20 ms each of these costs more than all that a server has to do.
"""

import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic, TypeVar

from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import DBAPIError

from .sqlite_file import BUSY_TIMEOUT_S

LOCK_WAIT_S = 1.0
"""How long a transaction waits for another writer of an SQLite file; whoever has patience begins it again."""

T = TypeVar("T")
U = TypeVar("U")
Value = str | int | float | None


class Answer(Generic[T]):
    """What a query answers: called, it is sent with all that waits before it, unless it has been."""

    def __init__(self, ask: Callable[[], T]) -> None:
        self._ask = ask
        self._values: list[T] = []

    def __call__(self) -> T:
        """Return the answer.

        Raises:
            DBAPIError: the database refuses one of the statements, or does not answer.
        """
        if not self._values:
            self._values.append(self._ask())
        return self._values[0]

    def then(self, read: Callable[[T], U]) -> "Answer[U]":
        """What `read` makes of the answer."""
        return Answer(lambda: read(self()))


@dataclass(slots=True)
class Statement:
    """A statement with `?` for each of its values; `rows` are what it has answered.

    `without` is the error where it must answer a row, and does not.
    """

    text: str
    values: Sequence[Value]
    is_query: bool
    without: Exception | None = None
    rows: list[Any] | None = None


class Pipeline(ABC):
    """The statements of one transaction on `connection`."""

    def __init__(self, connection: Connection) -> None:
        self.dialect = connection.dialect.name
        self._connection = connection
        self._waiting: list[Statement] = []

    def write(self, text: str, values: Sequence[Value] = ()) -> None:
        """Add a statement that answers nothing."""
        self._waiting.append(Statement(text, values, is_query=False))

    def ask(self, text: str, values: Sequence[Value] = ()) -> Answer[list[Any]]:
        """Add a query; it answers its rows."""
        query = Statement(text, values, is_query=True)
        self._waiting.append(query)

        def rows() -> list[Any]:
            if query.rows is None:
                self.send()
            return query.rows or []

        return Answer(rows)

    def require(self, text: str, values: Sequence[Value], without: Exception) -> None:
        """Add a query that must answer a row; `without` one that is raised as it is sent."""
        self._waiting.append(Statement(text, values, True, without))

    def send(self) -> None:
        """Send what waits.

        Raises:
            DBAPIError: the database refuses one of the statements, or does not answer.
        """
        sent, self._waiting = self._waiting, []
        if not sent:
            return
        with self._in_sqlalchemys_errors():
            self._execute(sent)
        for each in sent:
            if each.without is not None and not each.rows:
                raise each.without

    @abstractmethod
    def begin(self) -> None:
        """Begin a transaction that writes."""

    @abstractmethod
    def look(self) -> None:
        """Begin a transaction that reads one state of the database, as far as it has such."""

    @abstractmethod
    def share(self) -> None:
        """Let other programs see what is written so far where no lock of a row keeps them from it."""

    @abstractmethod
    def commit(self) -> None:
        """Send what waits, and end the transaction."""

    @cached_property
    def _cursor(self) -> Any:
        """The cursor of the driver, the same for all that is sent."""
        return self._open_cursor()

    @abstractmethod
    def _open_cursor(self) -> Any:
        """Open a cursor of the driver."""

    @abstractmethod
    def _execute(self, sent: Sequence[Statement]) -> None:
        """Execute statements, and fetch the rows of those that are queries."""

    @contextmanager
    def _in_sqlalchemys_errors(self) -> Iterator[None]:
        """Raise the driver's errors as SQLAlchemy does, and give up a connection that is cut."""
        dialect = self._connection.dialect
        base = dialect.loaded_dbapi.Error
        try:
            yield
        except base as error:
            driver = self._connection.connection.driver_connection
            if is_cut := dialect.is_disconnect(error, driver, None):
                self._connection.invalidate(error)
            raise DBAPIError.instance(None, None, error, base, connection_invalidated=is_cut) from error


class SqlitePipeline(Pipeline):
    """A pipeline to an SQLite file, which takes one statement after the other."""

    def begin(self) -> None:
        """Begin to write; the wait for another writer is short, as Python sees no Ctrl-C within it."""
        sqlite: Any = self._connection.connection.driver_connection
        with self._in_sqlalchemys_errors():
            sqlite.execute(f"PRAGMA busy_timeout = {LOCK_WAIT_S * 1000:.0f}")
            try:
                sqlite.execute("BEGIN IMMEDIATE")
            finally:
                sqlite.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_S * 1000:.0f}")

    def look(self) -> None:
        """Begin to read one view of all tables: else a trial could be COMPLETE here and without its value there."""
        self.write("BEGIN")

    def share(self) -> None:
        """Commit, and begin anew."""
        self.commit()
        self.begin()

    def commit(self) -> None:
        """Send what waits, and end the transaction."""
        self.send()
        with self._in_sqlalchemys_errors():
            self._connection.connection.commit()

    def _open_cursor(self) -> sqlite3.Cursor:
        sqlite: Any = self._connection.connection.driver_connection
        cursor: sqlite3.Cursor = sqlite.cursor()
        return cursor

    def _execute(self, sent: Sequence[Statement]) -> None:
        for each in sent:
            each.rows = self._cursor.execute(each.text, each.values).fetchall()


class ServerPipeline(Pipeline):
    """A pipeline to PostgreSQL, MySQL or MariaDB.

    Values are quoted by the driver here, not by the server: only so can several statements be sent as one.
    """

    def begin(self) -> None:
        """Begin a transaction, with the first statement."""
        self.write("BEGIN")

    def look(self) -> None:
        """Do nothing: each statement sees what was committed before it."""

    def share(self) -> None:
        """Do nothing: what is read FOR UPDATE is waited for."""

    def commit(self) -> None:
        """Send what waits, and the end of the transaction with it."""
        self.write("COMMIT")
        self.send()

    def _open_cursor(self) -> Any:
        if self._connection.dialect.driver == "psycopg":
            from psycopg import ClientCursor

            driver: Any = self._connection.connection.driver_connection
            return ClientCursor(driver)
        return self._connection.connection.cursor()

    def _execute(self, sent: Sequence[Statement]) -> None:
        text = "; ".join(each.text for each in sent).replace("?", "%s")
        if self.dialect != "postgresql":
            text = text.replace('"', "`")  # around `key`, a word of MySQL's own
        try:
            self._cursor.execute(text, [value for each in sent for value in each.values])
            for number, each in enumerate(sent):
                if number:
                    self._cursor.nextset()
                if each.is_query:
                    each.rows = self._cursor.fetchall()
        except (KeyboardInterrupt, SystemExit):
            self._connection.invalidate()  # an answer may be under way still
            raise


@contextmanager
def pipeline(engine: Engine) -> Iterator[Pipeline]:
    """A pipeline on a connection of its own; what is not committed at the end is taken back."""
    connection = engine.connect()
    if engine.dialect.name == "postgresql":  # whose driver would begin a transaction in a round trip of its own
        connection = connection.execution_options(isolation_level="AUTOCOMMIT")
    with connection:
        yield SqlitePipeline(connection) if engine.dialect.name == "sqlite" else ServerPipeline(connection)
