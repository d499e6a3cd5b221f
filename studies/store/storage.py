"""Opening the Optuna store: any SQLAlchemy URL, SQLite made fast and safe.

Stock Optuna on SQLite waits for the disk at every report and dies when several processes create one file at once. Here
the file is in write-ahead mode, a commit does not wait for the disk (a power cut may lose the last seconds, never the
file: sqlite.org/wal.html), and the schema is made under a file lock.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import optuna
from optuna.storages import BaseStorage as BaseStorage  # as whoever passes a store on names it
from sqlalchemy import event, text
from sqlalchemy.engine import URL, Engine, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError

from ...common.filesystems import remote_file_system
from ...common.installation import install_command
from ...common.masking import masked
from ...common.private import make_private_file, make_private_folder
from ...common.sqlite_url import sqlite_file
from ...errors import StudyError, nearest
from ..home import Home
from .away import driver_line, is_refusal
from .locks import held, lock_path
from .patience import Patience
from .plain_storage import PlainStorage
from .server import DRIVERS, open_server, template
from .sqlite_file import BUSY_TIMEOUT_S
from .url import given_url


def hush_optuna() -> None:
    """Let Optuna tell warnings alone."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)


def storage_to_read(storage: str | None, home: Home) -> str:
    """The URL of `storage`, or of the home's store, which must exist.

    Raises:
        StudyError: it is a file that does not exist.
    """
    given = given_url(storage)
    url = given or home.storage_url
    file = sqlite_file(_parse(url))
    if file is None or file.exists():
        return url
    if given is None:
        raise StudyError(f"{home.root} holds no studies; run `hpo run` first, or name another --home")
    beside = [path.name for path in file.parent.glob("*.db")]
    raise StudyError(
        f"--storage {masked(url)}: {file} does not exist" + (f"; {nearest(file.name, beside)}" if beside else "")
    )


def storage_to_write(storage: str | None, home: Home) -> str:
    """The URL of `storage`, or of the home's store, existing or not.

    Its folder must exist unless it is the home: it may be the mount point of a disk that is not there.

    Raises:
        StudyError: it is a file in a folder that does not exist.
    """
    given = given_url(storage)
    file = sqlite_file(_parse(given)) if given else None
    if file is not None and not file.parent.is_dir():
        raise StudyError(
            f"--storage {masked(str(given))}: there is no folder {file.parent}; make it, or choose another --storage"
        )
    return given or home.storage_url


def storage_exists(storage: str | None, home: Home) -> bool:
    """Whether the store `storage`, or that of `home`, may hold studies: any but a file that is not there.

    Raises:
        StudyError: its folder does not exist.
    """
    file = sqlite_file(_parse(storage_to_write(storage, home)))
    return file is None or file.exists()


def open_existing(storage: str | None, home: Home) -> optuna.storages.RDBStorage:
    """Open the store `storage`, or that of `home` for None.

    Raises:
        StudyError: it does not exist, or as of `open_storage`.
    """
    return open_storage(storage_to_read(storage, home))


def open_storage(url: str, patience: Patience | None = None) -> optuna.storages.RDBStorage:
    """Open the store behind `url`, creating it if needed.

    Several processes may do so at once, on several machines. With `patience` a server is waited for that is away.

    Args:
        url: a SQLAlchemy URL, such as `sqlite:///runs/studies.db` or `postgresql://user:password@host/hpo`.

    Raises:
        StudyError: the URL is malformed, its dialect or driver is missing, the store cannot be read and written, or it
            is a file on a network.
        StoreAwayError: the server does not answer, and is waited for no longer.
    """
    parsed = _parse(url)
    _check_driver(parsed)
    with in_words(parsed):
        if parsed.get_backend_name() != "sqlite":
            return patience(lambda: _admitted(parsed)) if patience else open_server(parsed)
        return _open_file(parsed) if sqlite_file(parsed) else _open_memory(parsed)


@contextmanager
def in_words(parsed: URL) -> Iterator[None]:
    """Say what opening the store at `parsed` meets in the user's words, without the password.

    Raises:
        StudyError: it cannot be opened.
    """
    try:
        yield
    except ImportError as error:
        raise StudyError(f"{_shown(parsed)}: the database driver is not installed{_remedy(parsed, error)}") from error
    except NoSuchModuleError as error:
        if parsed.get_backend_name() in ("grpc", "http", "https", "redis", "journal"):
            raise StudyError(
                f"{_shown(parsed)}: only a database has a lock under which several coordinators can claim trials; "
                "give the one behind the proxy: sqlite, postgresql or mysql"
            ) from error
        raise StudyError(
            f"{_shown(parsed)}: unknown database {parsed.drivername!r}; "
            "use sqlite, postgresql or mysql, or install its SQLAlchemy dialect"
        ) from error
    except DBAPIError as error:
        raise StudyError(f"{_shown(parsed)}: {_error_words(error.orig, parsed)}") from error
    except (sqlite3.Error, OSError) as error:
        raise StudyError(f"{_shown(parsed)}: {_error_words(error, parsed)}") from error
    except RuntimeError as error:  # Optuna's own check of the schema version
        raise StudyError(_schema_words(parsed, str(error))) from error


def _parse(url: str) -> URL:
    try:
        return make_url(url)
    except (ArgumentError, ValueError) as error:  # the text is not repeated: it may hold a password
        raise StudyError(
            "the storage must be a SQLAlchemy URL, such as sqlite:///runs/studies.db or "
            "postgresql://user:password@host/name; what was given cannot be read as one"
        ) from error


def _check_driver(url: URL) -> None:
    """Refuse a driver by which several statements cannot be sent at once, see pipeline.py."""
    kind, _, driver = url.drivername.partition("+")
    if driver and (ours := DRIVERS.get(kind, driver)) != driver:
        raise StudyError(f"{_shown(url)}: hpo speaks to {kind} through {ours}, got {driver!r}; begin with {kind}://")


def _shown(url: URL) -> str:
    return masked(url.render_as_string(hide_password=False))


def _remedy(url: URL, error: ImportError) -> str:
    extra = "mysql" if url.get_backend_name() == "mariadb" else url.get_backend_name()
    if extra in DRIVERS and url.get_driver_name() == DRIVERS[extra]:
        return f"; {install_command(extra)}"
    name = error.name or getattr(error.__cause__, "name", None)  # Optuna raises its own over the driver's
    return f"; install {name}" if name else ""


def _admitted(url: URL) -> optuna.storages.RDBStorage:
    """Open a server's store; an answer that waiting does not change is an error in words."""
    try:
        return open_server(url)
    except DBAPIError as error:
        if is_refusal(error):
            raise StudyError(f"{_shown(url)}: {_error_words(error.orig, url)}") from error
        raise


def _open_memory(url: URL) -> optuna.storages.RDBStorage:
    storage = optuna.storages.RDBStorage(template(url))
    _prove_writable(storage.engine)
    return storage


def _open_file(url: URL) -> optuna.storages.RDBStorage:
    path = sqlite_file(url)
    assert path is not None
    _refuse_remote(path)
    make_private_folder(path.parent)
    with held(lock_path(path)):
        make_private_file(path)
        _write_ahead(path)  # before Optuna opens it: to change the mode, SQLite needs the file to itself
        connection = {"timeout": BUSY_TIMEOUT_S}
        storage = PlainStorage(template(url), engine_kwargs={"connect_args": connection})
        # note: the engine is made and used inside the constructor, so its first connection is thrown away here
        event.listen(storage.engine, "connect", _tune)
        storage.engine.dispose()
        _prove_writable(storage.engine)
    return storage


def _refuse_remote(file: Path) -> None:
    if kind := remote_file_system(file):
        raise StudyError(
            f"{file}: an SQLite file cannot be shared over a network, and this one is on {kind}\n"
            "  keep it on a disk of this machine: --storage sqlite:////a/local/folder/studies.db\n"
            "  or, for several machines, on a server: --storage postgresql://user:password@host/name"
        )


def _write_ahead(path: Path) -> None:
    """Turn on write-ahead logging, a lasting property of the file."""
    connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S)
    try:
        connection.execute("PRAGMA journal_mode=WAL")
    finally:
        connection.close()


def _tune(connection: Any, record: Any) -> None:
    # FULL waits for the disk at every commit; NORMAL only at checkpoints of the log, and keeps the file whole
    connection.execute("PRAGMA synchronous=NORMAL")


def _prove_writable(engine: Engine) -> None:
    """Write something and take it back."""
    # a read-only store is better refused now than after the first trial
    with engine.connect() as connection:
        connection.execute(text("UPDATE version_info SET library_version = library_version"))
        connection.rollback()


def _error_words(error: BaseException | None, url: URL) -> str:
    """The error of a database driver, with the user's remedy."""
    line = driver_line(error)
    line = line.replace(str(url.password), "***") if url.password else line  # drivers may repeat the URL
    if isinstance(error, OSError):
        return f"the file cannot be opened or created ({error.strerror or line}); choose another --storage or --home"
    if "not a database" in line or "malformed" in line:
        return "the file is not an SQLite database; choose another --storage or --home"
    if "unable to open" in line:
        return f"the file cannot be opened or created ({line}); choose another --storage or --home"
    if "readonly" in line:
        return f"the store cannot be written ({line}); choose another --storage or --home"
    if "locked" in line:
        return f"another program has held the file for {BUSY_TIMEOUT_S} s ({line}); end it, then try again"
    return line


def _schema_words(url: URL, complaint: str) -> str:
    if "storage upgrade" not in complaint:  # which is what Optuna advises for older stores alone
        return f"{_shown(url)}: the store was written by a newer Optuna than {optuna.__version__}; update Optuna"
    return (
        f"{_shown(url)}: the store was written by an older Optuna than {optuna.__version__}.\n"
        f"Back it up, then run: optuna storage upgrade --storage {_shown(url)}"
    )
