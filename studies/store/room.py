"""The room that a database server has for more connections, told before it is gone."""

from collections.abc import Callable, Mapping

from sqlalchemy import TextClause
from sqlalchemy.engine import Connection, Engine

from .server import CONNECTIONS

_LIMIT = TextClause(
    "SELECT current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int"
)
_TAKEN = TextClause("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'")
_MYSQL_LIMIT = TextClause("SELECT @@max_connections")
_MYSQL_TAKEN = TextClause("SHOW GLOBAL STATUS LIKE 'Threads_connected'")


def no_room_note(engine: Engine) -> str:
    """Return a line where a server has no room for another coordinator beside this one; "" where it has."""
    ask = _ROOM.get(engine.dialect.name)
    if ask is None:
        return ""
    with engine.connect() as connection:
        limit, taken = ask(connection)
    if limit - taken >= CONNECTIONS:
        return ""
    return (
        f"{taken} of the {limit} connections that the study's server gives are taken, and each `hpo run` needs "
        f"{CONNECTIONS}: raise its max_connections, or put a pooler before it"
    )


def _postgresql(connection: Connection) -> tuple[int, int]:
    return int(connection.execute(_LIMIT).scalar_one()), int(connection.execute(_TAKEN).scalar_one())


def _mysql(connection: Connection) -> tuple[int, int]:
    return int(connection.execute(_MYSQL_LIMIT).scalar_one()), int(connection.execute(_MYSQL_TAKEN).one()[1])


_ROOM: Mapping[str, Callable[[Connection], tuple[int, int]]] = {
    "postgresql": _postgresql,
    "mysql": _mysql,
    "mariadb": _mysql,
}
"""How each kind of server says how many connections it gives to ordinary users, and how many are taken."""
