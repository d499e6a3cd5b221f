"""The statements of a transaction, for every database that can hold a study.

`?` stands for a value; `key` is in quotes as it is a word of MySQL's own. Integers are written into the text, as
databases limit how many values can be bound.
"""

from collections.abc import Collection, Iterable
from typing import Final

STANDSTILL_S = 120
"""How long a transaction may stand still before the server ends it: a frozen holder of a lock must not hold up others.

Longer than any proposal takes. A claim that is later writes nothing, and is made again.
"""
# for PostgreSQL: within a statement, as what a session is set to is lost in a pooler
LIMIT_STANDSTILL = f"set_config('idle_in_transaction_session_timeout', '{STANDSTILL_S}s', true)"

STUDY = "SELECT study_id FROM studies WHERE study_id = ?"
# rows get their ids in the order in which transactions end, so that a reader never misses one
LOCKED_STUDY = {
    "sqlite": STUDY,  # which has no lock of a row: the file is locked
    "postgresql": f"SELECT study_id, {LIMIT_STANDSTILL} FROM studies WHERE study_id = ? FOR UPDATE",
    "mysql": f"{STUDY} FOR UPDATE",
    "mariadb": f"{STUDY} FOR UPDATE",
}
CLOCK = {
    "postgresql": "SELECT extract(epoch FROM clock_timestamp())::float8",
    "mysql": "SELECT unix_timestamp(now(6))",
    "mariadb": "SELECT unix_timestamp(now(6))",
}
UPTIME = {
    "postgresql": "SELECT extract(epoch FROM clock_timestamp() - pg_postmaster_start_time())::float8",
    "mysql": "SHOW GLOBAL STATUS LIKE 'Uptime'",
    "mariadb": "SHOW GLOBAL STATUS LIKE 'Uptime'",
}
# as Optuna stores times, in UTC without saying so; by the clock that all who write have in common
NOW = {
    "sqlite": "strftime('%Y-%m-%d %H:%M:%f000', 'now')",
    "postgresql": "(clock_timestamp() AT TIME ZONE 'utc')",
    "mysql": "utc_timestamp(6)",
    "mariadb": "utc_timestamp(6)",
}

LAST_ATTRIBUTE = "SELECT max(trial_user_attribute_id) FROM trial_user_attributes"
# a row to compare with is given as a number: of one that a statement asks for itself PostgreSQL knows nothing before,
# and it would read the whole table
# a sum, so that no index of the study's trials is used where their ids are given: it would find them all
CHANGED_TRIALS = (
    "SELECT trial_id FROM trials WHERE trial_id > ? AND study_id + 0 = ? "
    "UNION SELECT trial_id FROM trials WHERE trial_id IN {ids} AND study_id + 0 = ? "
    "UNION SELECT trial_id FROM trials WHERE trial_id IN {running} AND study_id + 0 = ? AND state <> 'RUNNING' "
    "UNION SELECT trials.trial_id FROM trial_user_attributes AS notes CROSS JOIN trials "
    "WHERE notes.trial_user_attribute_id > ? AND notes.key = ? "
    "AND trials.trial_id = notes.trial_id AND trials.study_id + 0 = ?"
)
ATTRIBUTE_SINCE = (
    "SELECT number, trials.trial_id, notes.value_json FROM trial_user_attributes AS notes CROSS JOIN trials "
    "WHERE notes.trial_user_attribute_id > ? "
    "AND notes.key = ? AND trials.trial_id = notes.trial_id AND trials.study_id + 0 = ?"
)
IDS_OF = "SELECT number, trial_id FROM trials WHERE study_id = ? AND number IN {numbers}"
NUMBERS_IN_STATES = "SELECT number FROM trials WHERE study_id = ? AND state IN {states} ORDER BY trial_id"
LAST_NUMBER = "SELECT max(number) FROM trials WHERE study_id = ?"
LAST_TRIAL = "SELECT max(trial_id) FROM trials WHERE study_id = ?"
STATES = "SELECT trial_id, state FROM trials WHERE trial_id IN {ids}"

ATTRIBUTES_OF = (
    'SELECT trial_id, "key", value_json FROM trial_user_attributes WHERE trial_id IN {ids} AND "key" IN {keys}'
)
EPOCHS_OF = "SELECT trial_id, step FROM trial_intermediate_values WHERE trial_id IN {ids}"
# joined crosswise, as SQLite would else begin at the trials of the study and look at the epochs of all
_NEW_EPOCHS = (
    "FROM trial_intermediate_values AS epochs CROSS JOIN trials "
    "WHERE trial_intermediate_value_id > ? AND trials.trial_id = epochs.trial_id AND trials.study_id = ?"
)
EPOCHS_AFTER = (
    "SELECT trial_intermediate_value_id, number, step, intermediate_value, intermediate_value_type "
    f"{_NEW_EPOCHS} ORDER BY trial_intermediate_value_id"
)
COUNT_EPOCHS_AFTER = f"SELECT count(*), max(trial_intermediate_value_id) {_NEW_EPOCHS}"
LAST_EPOCH = (
    "SELECT intermediate_value, intermediate_value_type FROM trial_intermediate_values WHERE trial_id = ? "
    "ORDER BY step DESC LIMIT 1"
)

NEW_TRIAL = "INSERT INTO trials (study_id, number, state, datetime_start) VALUES (?, ?, ?, {started})"
NEW_EPOCHS: Final = (
    "trial_intermediate_values",
    ("trial_id", "step", "intermediate_value", "intermediate_value_type"),
)
NEW_PARAMS: Final = ("trial_params", ("trial_id", "param_name", "param_value", "distribution_json"))
NEW_VALUE: Final = ("trial_values", ("trial_id", "objective", "value", "value_type"))
DELETED_VALUE = "DELETE FROM trial_values WHERE trial_id = ?"
DELETED_KEYS = 'DELETE FROM {table} WHERE trial_id = ? AND "key" IN {keys}'


def ids(values: Iterable[int]) -> str:
    """A list of ids in SQL."""
    return f"({', '.join(str(int(value)) for value in values) or 'NULL'})"


def marks(values: Collection[object]) -> str:
    """A list of `?` in SQL, one for each value."""
    return f"({', '.join('?' * len(values)) or 'NULL'})"


def insert(table: str, columns: Iterable[str], rows: int = 1) -> str:
    """The statement that inserts so many rows."""
    names = [f'"{name}"' if name == "key" else name for name in columns]
    return f"INSERT INTO {table} ({', '.join(names)}) VALUES {', '.join([marks(names)] * rows)}"


def replace_in_new_row(table: str) -> str:
    """The statement that writes an attribute, of SQLite: in a row that no attribute of any study has had.

    What it has in the place of a unique key is deleted by it, after it has looked for the last row.
    """
    row = f"{table.removesuffix('s')}_id"
    last = f"(SELECT coalesce(max({row}), 0) + 1 FROM {table})"
    return f'INSERT OR REPLACE INTO {table} ({row}, trial_id, "key", value_json) VALUES ({last}, ?, ?, ?)'
