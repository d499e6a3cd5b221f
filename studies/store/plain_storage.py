"""Optuna's store with trials read in plain SQL.

Stock Optuna goes through an object-relational mapper: 6 ms of CPU to read a few trials, and ten round trips to a
server. Here it takes a fraction of that, from the same tables, with the same results; everything else, and every error,
is still Optuna's. What a search writes goes through rows.py.

The tables are those of schema v3.0.0.a to Optuna 5; `open_storage` has checked the version before.
"""

import json
import math
from abc import abstractmethod
from collections import defaultdict
from collections.abc import Container, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, json_to_distribution
from optuna.trial import FrozenTrial, TrialState

_NOT_FINITE = {"INF_POS": math.inf, "INF_NEG": -math.inf, "NAN": math.nan}
# columns after the trial's id, with their table before them: `key` is a word of MySQL's own
_PARTS = (
    ("trial_params", "param_name, param_value, distribution_json", "param_id"),
    ("trial_values", "value, value_type", "objective"),
    ("trial_user_attributes", "trial_user_attributes.key, value_json", "trial_user_attribute_id"),
    ("trial_system_attributes", "trial_system_attributes.key, value_json", "trial_system_attribute_id"),
    (
        "trial_intermediate_values",
        "step, intermediate_value, intermediate_value_type",
        "trial_intermediate_value_id",
    ),
)


class PlainStorage(optuna.storages.RDBStorage):
    """An RDBStorage that reads its trials by `_read`."""

    @abstractmethod
    def _read(self, queries: Sequence[str]) -> list[list[Any]]:
        """The rows of each query, all of one state of the database.

        Raises:
            StorageInternalError, DBAPIError: it does not answer.
        """

    def get_trial(self, trial_id: int) -> FrozenTrial:
        """The trial as it is now."""
        trials = frozen_trials(self._read(trial_queries(f"trial_id = {int(trial_id)}")))
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
        # databases limit how many values can be bound; they are integers, so nothing else can come in
        included = [str(int(trial_id)) for trial_id in included_trial_ids if trial_id <= trial_id_greater_than]
        among = f" OR trial_id IN ({', '.join(included)})" if included else ""
        # the sign keeps SQLite from its index of the study's trials, which would find them all
        where = f"+study_id = {int(study_id)} AND (trial_id > {int(trial_id_greater_than)}{among})"
        study, *tables = self._read([f"SELECT 1 FROM studies WHERE study_id = {int(study_id)}", *trial_queries(where)])
        if not study:
            raise KeyError(f"no study has id {study_id}")
        return [trial for trial in frozen_trials(tables) if states is None or trial.state in states]


def trial_queries(where: str) -> list[str]:
    """The queries that read the trials for which `where` holds, complete."""
    chosen = f"SELECT trial_id FROM trials WHERE {where}"
    # the sign keeps SQLite from going through all trials, in their order, to save itself the sorting
    head = f"SELECT trial_id, number, state, datetime_start, datetime_complete FROM trials WHERE {where}"
    parts = [
        f"SELECT trial_id, {columns} FROM {table} WHERE trial_id IN ({chosen}) ORDER BY {key}"
        for table, columns, key in _PARTS
    ]
    return [f"{head} ORDER BY +trial_id", *parts]


def frozen_trials(tables: Sequence[Sequence[Any]]) -> list[FrozenTrial]:
    """The trials whose rows `trial_queries` has read."""
    rows, *parts = tables
    params, values, user, system, epochs = map(_by_trial, parts)
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


def _by_trial(rows: Sequence[Any]) -> defaultdict[int, list[Any]]:
    by_trial = defaultdict(list)
    for trial_id, *row in rows:
        by_trial[trial_id].append(row)
    return by_trial


def _number(value: float | None, kind: str) -> float:
    return _NOT_FINITE[kind] if value is None else value


# every trial carries the same few texts: each is parsed once
@lru_cache(maxsize=1024)
def _distribution(text: str) -> BaseDistribution:
    return json_to_distribution(text)


def _local(time: str | datetime | None) -> datetime | None:
    """The naive local time of a naive UTC time, which SQLite has as text."""
    # Optuna stores the one and works with the other
    if time is None:
        return None
    utc = datetime.fromisoformat(time) if isinstance(time, str) else time
    return utc.replace(tzinfo=UTC).astimezone().replace(tzinfo=None)
