"""Correcting the MLflow store of a home that was moved or copied.

The store names files by absolute addresses, which still lead to the former folder.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing

from ....common.sqlite_url import sqlite_file
from ....errors import StudyError
from ...home import Home
from ...study_name import is_study_name
from .mlflow_store import LOCK_S

# every column of MLflow's schema that holds the address of files of ours (3.17)
_ADDRESSES = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "source"),
    ("model_versions", "storage_location"),
)
# note: by `substr`, since the `_` and `%` of a path would be wildcards of LIKE, which ignores case besides
_MOVE = "UPDATE {table} SET {column} = ? || substr({column}, ?) WHERE substr({column}, 1, ?) = ?"


def follow_home(home: Home) -> None:
    """Replace the former folder of `home` in its MLflow store.

    Other addresses, such as those of an experiment that somebody keeps elsewhere, stay.

    Raises:
        StudyError: the store cannot be read, or not be written where that is needed.
    """
    file = sqlite_file(home.tracking_uri)
    if file is None or not file.exists():
        return
    here = f"{home.artifacts.as_uri()}/"
    try:
        with closing(sqlite3.connect(file, timeout=LOCK_S)) as store, store:
            for before in set(_former(store, home)) - {here}:
                for table, column in _ADDRESSES:
                    values = (here, len(before) + 1, len(before), before)
                    store.execute(_MOVE.format(table=table, column=column), values)
    except sqlite3.Error as error:
        raise StudyError(f"MLflow's store {file} cannot be used: {error}") from error


def _former(store: sqlite3.Connection, home: Home) -> Iterator[str]:
    """Yield the artifact root of each home that a study was made in.

    It is `<home>/mlartifacts/`.
    """
    # MLflow makes the tables when it first opens the file
    if store.execute("SELECT 1 FROM sqlite_master WHERE name = 'experiments'").fetchone():
        for name, address in store.execute("SELECT name, artifact_location FROM experiments").fetchall():
            folder = (home.artifacts / name).as_uri().removeprefix(home.root.as_uri()) if is_study_name(name) else ""
            if folder and address.endswith(folder):
                yield f"{address.removesuffix(folder)}/{home.artifacts.name}/"
