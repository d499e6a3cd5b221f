"""The tables of a prediction log, and the opening of its database."""

import time
from pathlib import Path
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    Engine,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    UniqueConstraint,
    create_engine,
    event,
    insert,
    inspect,
    select,
)
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, IntegrityError, OperationalError, ProgrammingError, SQLAlchemyError

from ...common.filesystems import remote_file_system
from ...common.masking import masked
from ...common.private import make_private_file
from ...common.sqlite_url import sqlite_file, sqlite_url
from ...errors import ServeError

_RACE_S = 2.0  # how long workers that start together may be in each other's way
SCHEMA = 1  # raised whenever a table changes; `_check_version` then needs a step from each older one

metadata = MetaData()
versions = Table("monitor_schema", metadata, Column("version", Integer, primary_key=True))
predictions = Table(
    "predictions",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("time", Float, nullable=False, index=True),
    Column("request_id", String(128), nullable=False),
    Column("image_index", Integer, nullable=False),
    Column("arm", String(16), nullable=False),
    Column("shadow", Boolean, nullable=False),
    Column("version", String(64), nullable=False),
    Column("class_name", String(255), nullable=False),
    Column("confidence", Float, nullable=False),
    Column("latency_s", Float, nullable=False),
    Column("brightness", Float),
    Column("contrast", Float),
    Column("sharpness", Float),
    Column("probabilities", LargeBinary, nullable=False),  # float16, little-endian
    Index("predictions_request", "request_id", "image_index"),
)
feedback = Table(
    "feedback",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("time", Float, nullable=False),
    Column("request_id", String(128), nullable=False),
    Column("image_index", Integer, nullable=False),
    Column("class_name", String(255), nullable=False),
    UniqueConstraint("request_id", "image_index"),
)
alarms = Table(
    "alarms",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("time", Float, nullable=False, index=True),
    Column("since", Float, nullable=False),
    Column("version", String(64), nullable=False),
    Column("feature", String(300), nullable=False),
    Column("family", String(16), nullable=False),
    Column("direction", String(16), nullable=False),
    Column("bound", Float, nullable=False),
    Column("share_now", Float, nullable=False),
    Column("share_then", Float, nullable=False),
)
thumbnails = Table(
    "thumbnails",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("time", Float, nullable=False, index=True),
    Column("request_id", String(128), nullable=False),
    Column("image_index", Integer, nullable=False),
    Column("png", LargeBinary, nullable=False),
)
drops = Table(
    "drops",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("time", Float, nullable=False),
    Column("count", Integer, nullable=False),
)


def log_url(export: Path) -> str:
    """Return the URL of the log for an export.

    It lies beside the folder `export`, since an export is replaced as a whole.
    """
    return sqlite_url(export.absolute().parent / "predictions.db")


def open_log(url: str, *, create: bool) -> Engine:
    """Open the database at `url`, with its tables.

    Args:
        url: any that SQLAlchemy knows.
        create: make what is missing; without it a missing log is an error.

    Raises:
        ServeError: it cannot be opened, is missing, or a newer version wrote it.
    """
    try:
        path = make_url(url)
    except ArgumentError as error:
        raise ServeError(f"{masked(url)}: not a database URL, for example sqlite:///predictions.db") from error
    shown, file = masked(url), sqlite_file(path)
    if file and not create and not file.is_file():
        raise ServeError(f"{path.database}: no predictions yet; `hpo serve` writes them")
    try:
        engine = _engine(url)
    except (SQLAlchemyError, ImportError) as error:  # ImportError: the driver of the URL is not installed
        raise ServeError(f"{shown}: cannot be opened: {_words(error)}") from error
    try:
        if create:
            if file:
                make_private_file(file)
            _create(engine, file)
        _check_version(engine, shown, create)
    except (SQLAlchemyError, OSError) as error:
        engine.dispose()
        raise ServeError(f"{shown}: cannot be opened: {masked(_words(error))}") from error
    except ServeError:
        engine.dispose()
        raise
    return engine


def _create(engine: Engine, file: Path | None) -> None:
    """Make missing tables, beside workers that do the same.

    Of workers that start together one is the first with each part; the others try again.

    While one changes the journal or makes a table another is refused at once, however long it was told to wait.
    """
    with engine.connect():
        pass  # where there is no server, it is not asked again
    until = time.monotonic() + _RACE_S
    while True:
        try:
            if engine.dialect.name == "sqlite" and not (file and remote_file_system(file)):
                with engine.connect() as connection:  # a property of the file: readers and the writer do not wait
                    connection.exec_driver_sql("pragma journal_mode=wal")
            metadata.create_all(engine)
            return
        except (IntegrityError, OperationalError, ProgrammingError):
            if time.monotonic() > until:
                raise
            time.sleep(0.01)


def _engine(url: str) -> Engine:
    if not url.startswith("sqlite"):
        # a server may have closed a connection that was idle over night
        return create_engine(url, pool_pre_ping=True)
    # seconds that a write waits for another process; the thread of the log waits, not a request
    engine = create_engine(url, connect_args={"timeout": 5})

    @event.listens_for(engine, "connect")
    def _tune(connection: Any, record: Any) -> None:
        # a power cut may lose the newest rows, and never breaks the file; no fsync per transaction
        connection.execute("pragma synchronous=normal")

    return engine


def _check_version(engine: Engine, name: str, create: bool) -> None:
    if not inspect(engine).has_table(versions.name):
        raise ServeError(f"{name}: not a log of predictions")
    with engine.connect() as connection:
        written = connection.execute(select(versions.c.version)).scalar()
    if written is None and create:
        _sign(engine)
    elif written != SCHEMA:
        raise ServeError(f"{name}: written in format {written}, this version of hpo reads {SCHEMA}")


def _sign(engine: Engine) -> None:
    try:
        with engine.begin() as connection:
            connection.execute(insert(versions).values(version=SCHEMA))
    except IntegrityError:
        pass  # another worker was first


def _words(error: Exception) -> str:
    return str(getattr(error, "orig", None) or error).splitlines()[0]
