"""Trials read in plain SQL from Optuna's tables, as Optuna itself would read them.

The tables are those of schema v3.0.0.a to Optuna 5; `open_storage` has checked the version before.
"""

import json
import math
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from optuna.distributions import BaseDistribution, json_to_distribution
from optuna.trial import FrozenTrial, TrialState

_NOT_FINITE = {"INF_POS": math.inf, "INF_NEG": -math.inf, "NAN": math.nan}
# columns after the trial's id; a table is named before each: `key` is a word of MySQL's own
_PARTS = (
    ("trial_params", "part.param_name, part.param_value, part.distribution_json", "param_id"),
    ("trial_values", "part.value, part.value_type", "objective"),
    ("trial_user_attributes", "part.key, part.value_json", "trial_user_attribute_id"),
    ("trial_system_attributes", "part.key, part.value_json", "trial_system_attribute_id"),
    (
        "trial_intermediate_values",
        "part.step, part.intermediate_value, part.intermediate_value_type",
        "trial_intermediate_value_id",
    ),
)


def trials_where(condition: str) -> str:
    """The query of the ids of all trials for which a condition holds."""
    return f"SELECT trial_id FROM trials WHERE {condition}"


def trial_queries(chosen: str) -> list[str]:
    """The queries that read the trials whose ids the query `chosen` answers, complete."""
    # joined crosswise, so that SQLite goes through what is chosen, and not through whole tables in their order, to save
    # itself the sorting; MySQL would ask a subquery within IN anew for each row
    head = "part.trial_id, part.number, part.state, part.datetime_start, part.datetime_complete"
    parts = [
        ("trials", head, "trial_id"),
        *((table, f"part.trial_id, {columns}", key) for table, columns, key in _PARTS),
    ]
    return [
        f"SELECT {columns} FROM ({chosen}) AS chosen CROSS JOIN {table} AS part "
        f"WHERE part.trial_id = chosen.trial_id ORDER BY part.{key}"
        for table, columns, key in parts
    ]


def frozen_trials(tables: Sequence[Sequence[Any]]) -> list[FrozenTrial]:
    """The trials whose rows `trial_queries` has read."""
    rows, *parts = tables
    params, values, user, system, epochs = map(_by_trial, parts)
    return [
        FrozenTrial(
            number=number,
            state=TrialState[state],
            value=None,
            values=[read_number(*row) for row in values[trial_id]] or None,
            datetime_start=_local(start),
            datetime_complete=_local(end),
            params={name: _distribution(text).to_external_repr(value) for name, value, text in params[trial_id]},
            distributions={name: _distribution(text) for name, _, text in params[trial_id]},
            user_attrs={key: json.loads(text) for key, text in user[trial_id]},
            system_attrs={key: json.loads(text) for key, text in system[trial_id]},
            intermediate_values={step: read_number(value, kind) for step, value, kind in epochs[trial_id]},
            trial_id=trial_id,
        )
        for trial_id, number, state, start, end in rows
    ]


def _by_trial(rows: Sequence[Any]) -> defaultdict[int, list[Any]]:
    by_trial = defaultdict(list)
    for trial_id, *row in rows:
        by_trial[trial_id].append(row)
    return by_trial


def read_number(value: float | None, kind: str) -> float:
    """A number as Optuna stores it, which writes those that are not finite in words."""
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
