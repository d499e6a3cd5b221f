"""SQLite files as database URLs, and back, whatever their paths hold.

For SQLAlchemy, Optuna and MLflow.

A path that is pasted into a URL is cut at a `?` and loses every `%20`. A relative one is meant from the working
directory.
"""

from pathlib import Path

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError


def sqlite_url(path: Path) -> str:
    """Return the URL of the SQLite file `path`."""
    return _text(URL.create("sqlite", database=str(path.absolute())))


def sqlite_file(url: str | URL) -> Path | None:
    """Return the absolute path of the file behind `url`.

    None for a server, a database in memory, an SQLite `file:` URI, and for what is no database URL.
    """
    parsed = _parsed(url)
    name = parsed.database if parsed is not None and parsed.get_backend_name() == "sqlite" else None
    return None if not name or name == ":memory:" or name.startswith("file:") else Path(name).absolute()


def absolute_url(url: str) -> str:
    """Return `url` for a process that works in another directory.

    Its path is meant from this process' working directory.
    """
    parsed = _parsed(url)
    if parsed is None or parsed.get_backend_name() != "sqlite" or parsed.database in (None, "", ":memory:"):
        return url
    name = str(parsed.database)
    scheme = "file:" if name.startswith("file:") else ""
    return _text(parsed.set(database=f"{scheme}{Path(name.removeprefix(scheme)).absolute()}"))


def _parsed(url: str | URL) -> URL | None:
    try:
        return make_url(url)
    except (ArgumentError, ValueError):
        return None


def _text(url: URL) -> str:
    text = url.render_as_string(hide_password=False)
    is_quoted = str(url.database).startswith("/") and "%" in text.partition("?")[0]
    if is_quoted and url.drivername == "sqlite":
        # note: of what begins with `sqlite:///` MLflow takes the rest for a path as it stands, and makes its folders
        return _text(url.set(drivername="sqlite+pysqlite"))
    return text
