"""Opening a store on a database server: PostgreSQL, MySQL, MariaDB.

Several machines may do so at once, on an empty database too: the schema is made under a lock of the database.
"""

import math
import time
from collections.abc import Mapping
from contextlib import nullcontext
from typing import Any

from sqlalchemy import NullPool, TextClause, create_engine, event
from sqlalchemy.engine import URL, Engine
from sqlalchemy.exc import InvalidatePoolError, ProgrammingError
from sqlalchemy.pool import ConnectionPoolEntry

from .exclusive import advisory_lock
from .plain_storage import PlainStorage
from .statements import STANDSTILL_S

CONNECTIONS = 2
"""Of a coordinator, however many workers it has: one to read and to write, one for its heartbeats."""
CONNECT_WITHIN_S = 10
ANSWER_WITHIN_S = 60
"""How long a server may be silent before its connection counts as cut; locks are waited for in shorter turns."""
PING_AFTER_S = 5.0
"""How long a connection may be idle before the server is asked whether it still has it: it may have been restarted.

To ask before each use, as SQLAlchemy can, is a round trip more for each transaction. One that is cut between two uses
gives an error, as it does within them, and whoever has patience begins anew.
"""

DRIVERS = {"postgresql": "psycopg", "mysql": "pymysql", "mariadb": "pymysql"}
"""The driver of each kind of server where its URL names none."""

_FOUND_ROWS, _MULTI_STATEMENTS = 2, 65536
"""Flags of MySQL's protocol: counts as SQLAlchemy expects them, and several statements at once (pipeline.py)."""

_SETTINGS: Mapping[str, Mapping[str, Any]] = {
    "psycopg": {
        "connect_timeout": CONNECT_WITHIN_S,
        "tcp_user_timeout": ANSWER_WITHIN_S * 1000,
        "keepalives_idle": ANSWER_WITHIN_S // 2,
        "keepalives_interval": 10,
        "keepalives_count": 3,
        "prepare_threshold": None,  # a statement that is prepared is lost where a pooler gives us another connection
    },
    "pymysql": {
        "connect_timeout": CONNECT_WITHIN_S,
        "read_timeout": ANSWER_WITHIN_S,
        "write_timeout": ANSWER_WITHIN_S,
        "client_flag": _FOUND_ROWS | _MULTI_STATEMENTS,
        "init_command": f"SET SESSION wait_timeout = {STANDSTILL_S}",
    },
}

_VERSION = TextClause("SELECT version_num FROM alembic_version")


def open_server(url: URL) -> PlainStorage:
    """Open the store behind `url`, creating its tables if needed.

    Raises:
        DBAPIError: the server does not answer, or not in the way that was hoped for.
    """
    url = with_driver(url)
    settings = _settings(url)
    own = create_engine(url, **settings, poolclass=NullPool)
    if _has_tables(own):
        return _storage(url, settings, has_tables=True)
    with lock.hold() if (lock := advisory_lock(own, "tables")) else nullcontext():
        return _storage(url, settings, has_tables=_has_tables(own))


def _storage(url: URL, settings: Mapping[str, Any], *, has_tables: bool) -> PlainStorage:
    # a heartbeat may have the second connection until it counts as cut
    pool = {"pool_size": CONNECTIONS, "max_overflow": 0, "pool_timeout": 2 * ANSWER_WITHIN_S}
    # to look for each table again would take a second over a slow wire
    storage = PlainStorage(template(url), {**settings, **pool}, skip_table_creation=has_tables)
    _ping_idle_connections(storage.engine)
    return storage


def _ping_idle_connections(engine: Engine) -> None:
    """Replace the connections of the pool that have died while nobody used them."""
    dialect = engine.dialect  # not the engine itself: with a circle of references it would be closed late

    @event.listens_for(engine, "checkin")
    def note(_: Any, entry: ConnectionPoolEntry) -> None:
        entry.info["idle_since"] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def ping(connection: Any, entry: ConnectionPoolEntry, _: Any) -> None:
        if time.monotonic() - entry.info.get("idle_since", -math.inf) <= PING_AFTER_S:
            return
        try:
            dialect.do_ping(connection)
        except dialect.loaded_dbapi.Error as error:
            raise InvalidatePoolError from error


def _has_tables(engine: Engine) -> bool:
    """Whether Optuna's tables are there; their version is what is written last."""
    try:
        with engine.connect() as connection:
            return connection.execute(_VERSION).first() is not None
    except ProgrammingError:
        return False


def template(url: URL) -> str:
    """The URL as RDBStorage takes it, a template for `str.format`."""
    # braces in a path must count as themselves
    return url.render_as_string(hide_password=False).replace("{", "{{").replace("}", "}}")


def with_driver(url: URL) -> URL:
    """The URL with the driver that hpo brings, where it names none."""
    driver = DRIVERS.get(url.drivername)
    return url if driver is None else url.set(drivername=f"{url.drivername}+{driver}")


def _settings(url: URL) -> dict[str, Any]:
    """What the engine is made with; what the URL itself says goes before it."""
    driver = url.get_driver_name()
    given = {name: value for name, value in _SETTINGS.get(driver, {}).items() if name not in url.query}
    settings: dict[str, Any] = {"connect_args": given}
    if url.get_backend_name() in ("mysql", "mariadb"):
        # the rows that a transaction reads after its lock are those of now, and none are locked beside those it writes
        settings["isolation_level"] = "READ COMMITTED"
    return settings
