"""A home that was moved or copied: its MLflow store names files by absolute addresses, which lead to the old place."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing

from ...common.sqlite_url import sqlite_file
from ...errors import StudyError
from ..home import Home
from ..study_name import is_study_name

# every column of MLflow's schema that holds the address of files of ours (3.17)
_ADDRESSES = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "source"),
    ("model_versions", "storage_location"),
)
_MOVE = "UPDATE {table} SET {column} = ? || substr({column}, ?) WHERE substr({column}, 1, ?) = ?"


def follow_home(home: Home) -> None:
    """Have the MLflow store of `home` look for files in `home` where it looks for them in the home's former place.

    What else it names, such as an experiment that somebody keeps elsewhere, stays.

    Raises:
        StudyError: the store cannot be read, or not be written where that is needed.
    """
    file = sqlite_file(home.tracking_uri)
    if file is None or not file.exists():
        return
    here = f"{home.artifacts.as_uri()}/"
    try:
        with closing(sqlite3.connect(file, timeout=20)) as store, store:
            for before in set(_former(store, home)) - {here}:
                for table, column in _ADDRESSES:
                    values = (here, len(before) + 1, len(before), before)
                    store.execute(_MOVE.format(table=table, column=column), values)
    except sqlite3.Error as error:
        raise StudyError(f"MLflow's store {file} cannot be used: {error}") from error


def _former(store: sqlite3.Connection, home: Home) -> Iterator[str]:
    """The artifact roots of the homes in which the experiments of studies were made, `<home>/mlartifacts/` each."""
    if store.execute("SELECT 1 FROM sqlite_master WHERE name = 'experiments'").fetchone():
        for name, address in store.execute("SELECT name, artifact_location FROM experiments").fetchall():
            folder = (home.artifacts / name).as_uri().removeprefix(home.root.as_uri()) if is_study_name(name) else ""
            if folder and address.endswith(folder):
                yield f"{address.removesuffix(folder)}/{home.artifacts.name}/"
