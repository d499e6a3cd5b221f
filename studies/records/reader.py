"""Reading the studies of a home without SQLAlchemy and Alembic.

For commands that only look, those two take longer to import than all the rest of such a command. The tables are those
that plain_storage.py reads; a file of another version, or a store that is no file of the home's, is opened as
everywhere else.
"""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from optuna.study import StudyDirection
from optuna.trial import FrozenTrial

from ...errors import StudyError
from ..home import Home
from ..store.plain_trials import frozen_trials, trial_queries, trials_where
from ..store.sqlite_file import BUSY_TIMEOUT_S, read_at_once
from ..store.url import given_url
from .readable import Readable

SCHEMA = "v3.2.0.a"  # of Optuna 3.2 to 5; any other is opened by Optuna itself, which says what to do about it


def open_to_read(storage: str | None, home: Home) -> Readable:
    """Open the store `storage`, or that of `home`, to read from.

    Raises:
        StudyError: it does not exist, or cannot be read.
    """
    if given_url(storage) is None and _has_our_schema(home.storage_file):
        return SqliteReader(home.storage_file)
    from ..store.storage import open_existing

    return open_existing(storage, home)


def _has_our_schema(file: Path) -> bool:
    """Whether `file` is a store with the tables of SCHEMA."""
    url = f"{file.absolute().as_uri()}?mode=rw"  # a file that is not there is not made
    try:
        with closing(sqlite3.connect(url, uri=True, timeout=BUSY_TIMEOUT_S)) as opened:
            return opened.execute("SELECT version_num FROM alembic_version").fetchall() == [(SCHEMA,)]
    except sqlite3.Error:
        return False


@dataclass(frozen=True, slots=True)
class _Listed:
    _study_id: int
    study_name: str


class SqliteReader:
    """The reading calls of Optuna's storage, on the file `path`."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def get_all_studies(self) -> list[_Listed]:
        """Every study, in the order of their making."""
        return [_Listed(*row) for row in self._rows("SELECT study_id, study_name FROM studies ORDER BY study_id")]

    def get_study_id_from_name(self, study_name: str) -> int:
        """The id of a study.

        Raises:
            KeyError: no study is called so.
        """
        for (study_id,) in self._rows("SELECT study_id FROM studies WHERE study_name = ?", study_name):
            return int(study_id)
        raise KeyError(study_name)

    def get_study_directions(self, study_id: int) -> list[StudyDirection]:
        """The direction of each objective."""
        query = "SELECT direction FROM study_directions WHERE study_id = ? ORDER BY objective"
        directions = [direction for (direction,) in self._rows(query, study_id)] or ["none"]
        # a file may come from somebody else, with anything in its columns
        for direction in directions:
            if direction not in StudyDirection.__members__:
                raise StudyError(f"{self._path}: a study's direction must be MINIMIZE or MAXIMIZE, got {direction!r}")
        return [StudyDirection[direction] for direction in directions]

    def get_study_user_attrs(self, study_id: int) -> dict[str, Any]:
        """The user attributes of a study."""
        query = "SELECT key, value_json FROM study_user_attributes WHERE study_id = ?"
        return {key: json.loads(text) for key, text in self._rows(query, study_id)}

    def get_n_trials(self, study_id: int) -> int:
        """The number of trials of a study."""
        ((count,),) = self._rows("SELECT COUNT(*) FROM trials WHERE study_id = ?", study_id)
        return int(count)

    def get_trial_id_from_study_id_trial_number(self, study_id: int, trial_number: int) -> int:
        """The id of a trial by its number.

        Raises:
            KeyError: there is none.
        """
        query = "SELECT trial_id FROM trials WHERE study_id = ? AND number = ?"
        for (trial_id,) in self._rows(query, study_id, trial_number):
            return int(trial_id)
        raise KeyError(trial_number)

    def get_trial(self, trial_id: int) -> FrozenTrial:
        """A trial.

        Raises:
            KeyError: there is none.
        """
        for trial in self._trials(f"trial_id = {int(trial_id)}"):
            return trial
        raise KeyError(trial_id)

    def get_all_trials(self, study_id: int, deepcopy: bool = True) -> list[FrozenTrial]:
        """The trials of a study, in the order of their making.

        They are read anew each time, so that `deepcopy` makes no difference.
        """
        return self._trials(f"study_id = {int(study_id)}")

    def _trials(self, where: str) -> list[FrozenTrial]:
        with self._connected() as connection:
            return frozen_trials(read_at_once(connection.cursor(), trial_queries(trials_where(where))))

    def _rows(self, query: str, *bound: Any) -> list[Any]:
        with self._connected() as connection:
            return connection.execute(query, bound).fetchall()

    @contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        try:
            with closing(sqlite3.connect(self._path, timeout=BUSY_TIMEOUT_S)) as connection:
                yield connection
        except sqlite3.Error as error:
            raise StudyError(f"{self._path}: cannot be read: {error}") from error
