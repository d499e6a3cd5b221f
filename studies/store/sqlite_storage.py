"""Optuna's SQLite store that reads trials in plain SQL.

Stock Optuna goes through an object-relational mapper: 6 ms of CPU to read a few trials. Here it takes a fraction of
that, from the same tables, with the same results; everything else, and every error, is still Optuna's. What a search
writes goes through rows.py.

The tables are those of schema v3.0.0.a to Optuna 5; `open_storage` has checked the version before.
"""

import json
import math
import sqlite3
from collections import defaultdict
from collections.abc import Container, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, json_to_distribution
from optuna.trial import FrozenTrial, TrialState

BUSY_TIMEOUT_S = 60
"""How long whoever reads or writes waits for another process that holds the SQLite file.

A write takes milliseconds, but a copy or a backup of the file can hold it for many seconds, and a search of hours must
not die of that.
"""

_NOT_FINITE = {"INF_POS": math.inf, "INF_NEG": -math.inf, "NAN": math.nan}


class SqliteStorage(optuna.storages.RDBStorage):
    """An RDBStorage on an SQLite file."""

    def get_trial(self, trial_id: int) -> FrozenTrial:
        """The trial as it is now."""
        with self._cursor() as cursor:
            trials = read_trials(cursor, "trial_id = ?", (trial_id,))
        return trials[0] if trials else super().get_trial(trial_id)

    def _get_trials(
        self,
        study_id: int,
        states: Container[TrialState] | None,
        included_trial_ids: set[int],
        trial_id_greater_than: int,
    ) -> list[FrozenTrial]:
        """The trials of a study above an id, and included ones below."""
        # Optuna's cache asks in this way for what is new or was unfinished. The ids are written into the query, as
        # SQLite limits how many values can be bound; they are integers, so nothing else can come in
        included = [str(int(trial_id)) for trial_id in included_trial_ids if trial_id <= trial_id_greater_than]
        # the sign keeps SQLite from its index of the study's trials, which would find them all
        where = f"+study_id = ? AND (trial_id > ? OR trial_id IN ({', '.join(included)}))"
        with self._cursor() as cursor:
            if cursor.execute("SELECT 1 FROM studies WHERE study_id = ?", (study_id,)).fetchone() is None:
                raise KeyError(f"no study has id {study_id}")
            trials = read_trials(cursor, where, (study_id, trial_id_greater_than))
        return [trial for trial in trials if states is None or trial.state in states]

    @contextmanager
    def _cursor(self) -> Iterator[sqlite3.Cursor]:
        connection = self.engine.raw_connection()
        try:
            cursor: Any = connection.cursor()
            yield cursor
        except sqlite3.Error as error:
            raise optuna.exceptions.StorageInternalError(f"SQLite: {error}") from error
        finally:
            connection.close()  # back to the pool, which rolls back what is open


def read_trials(cursor: sqlite3.Cursor, where: str, bound: tuple[int, ...]) -> list[FrozenTrial]:
    """The trials for which `where` holds, complete.

    `bound` are the values of the question marks in `where`.
    """
    chosen = f"SELECT trial_id FROM trials WHERE {where}"

    def children(columns: str, table: str, key: str) -> dict[int, list[Any]]:
        rows_of = defaultdict(list)
        query = f"SELECT trial_id, {columns} FROM {table} WHERE trial_id IN ({chosen}) ORDER BY {key}"
        for trial_id, *row in cursor.execute(query, bound):
            rows_of[trial_id].append(row)
        return rows_of

    cursor.execute("BEGIN")  # one view of all tables: else a trial could be COMPLETE here and without its value there
    query = f"SELECT trial_id, number, state, datetime_start, datetime_complete FROM trials WHERE {where}"
    # the sign keeps SQLite from going through all trials, in their order, to save itself the sorting
    rows = cursor.execute(f"{query} ORDER BY +trial_id", bound).fetchall()
    params = children("param_name, param_value, distribution_json", "trial_params", "param_id")
    values = children("value, value_type", "trial_values", "objective")
    user = children("key, value_json", "trial_user_attributes", "trial_user_attribute_id")
    system = children("key, value_json", "trial_system_attributes", "trial_system_attribute_id")
    epochs = children(
        "step, intermediate_value, intermediate_value_type", "trial_intermediate_values", "trial_intermediate_value_id"
    )
    cursor.connection.rollback()
    return [
        FrozenTrial(
            number=number,
            state=TrialState[state],
            value=None,
            values=[_number(*row) for row in values[trial_id]] or None,
            datetime_start=_local(start),
            datetime_complete=_local(end),
            params={name: _distribution(text).to_external_repr(value) for name, value, text in params[trial_id]},
            distributions={name: _distribution(text) for name, _, text in params[trial_id]},
            user_attrs={key: json.loads(text) for key, text in user[trial_id]},
            system_attrs={key: json.loads(text) for key, text in system[trial_id]},
            intermediate_values={step: _number(value, kind) for step, value, kind in epochs[trial_id]},
            trial_id=trial_id,
        )
        for trial_id, number, state, start, end in rows
    ]


def _number(value: float | None, kind: str) -> float:
    return _NOT_FINITE[kind] if value is None else value


# every trial carries the same few texts: each is parsed once
@lru_cache(maxsize=1024)
def _distribution(text: str) -> BaseDistribution:
    return json_to_distribution(text)


def _local(text: str | None) -> datetime | None:
    """The naive local time of a naive UTC text."""
    # Optuna stores the one and works with the other
    return None if text is None else datetime.fromisoformat(text).replace(tzinfo=UTC).astimezone().replace(tzinfo=None)
