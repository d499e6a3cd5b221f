"""The statements of a transaction, built once: to build one takes two to three times as long as to execute it.

What each is about is bound as it is executed: `study`, `trial`, `number`, `row`; `ids`, `states` and `keys` are lists.
"""

from typing import Any

from sqlalchemy import ColumnElement, Table, bindparam, delete, func, select, update

from .tables import ATTRIBUTES, EPOCHS, MARKS, PARAMS, STUDIES, TRIALS, VALUES

STANDSTILL_S = 120
"""How long a transaction may stand still before the server ends it: a frozen holder of a lock must not hold up others.

Longer than any proposal takes; what is claimed is checked again as it is written, so one that is late writes nothing.
"""
# for PostgreSQL: within a statement, as what a session is set to is lost in a pooler
LIMIT_STANDSTILL = func.set_config("idle_in_transaction_session_timeout", f"{STANDSTILL_S}s", True)


def _is(column: ColumnElement[Any], name: str) -> ColumnElement[bool]:
    return column == bindparam(name, type_=column.type)


def _among(column: ColumnElement[Any], name: str) -> ColumnElement[bool]:
    return column.in_(bindparam(name, type_=column.type, expanding=True))


def _key(table: Table) -> ColumnElement[int]:
    (column,) = table.primary_key
    return column


_OF_STUDY = _is(TRIALS.c.study_id, "study")
# a sum, so that no index of the study's trials is used where their ids are given: it would find them all
_IN_STUDY = TRIALS.c.study_id + 0 == bindparam("study")
_AFTER = _key(EPOCHS) > bindparam("row")

LOCKED_STUDY = select(STUDIES.c.study_id).where(_is(STUDIES.c.study_id, "study")).with_for_update()
LOCKED_STUDY_FOR_A_WHILE = LOCKED_STUDY.add_columns(LIMIT_STANDSTILL)

TRIALS_SINCE = (
    select(TRIALS.c.trial_id, TRIALS.c.number, TRIALS.c.state)
    .where(_IN_STUDY, _among(TRIALS.c.trial_id, "ids") | (TRIALS.c.trial_id > bindparam("trial")))
    # a sum, so that SQLite does not go through all trials, in their order, to save itself the sorting
    .order_by(TRIALS.c.trial_id + 0)
)
NEWER_TRIAL = select(TRIALS.c.trial_id).where(_IN_STUDY, TRIALS.c.trial_id > bindparam("trial")).limit(1)
STATES = select(TRIALS.c.trial_id, TRIALS.c.state).where(_among(TRIALS.c.trial_id, "ids")).with_for_update()
TRIAL_OF_NUMBER = select(TRIALS.c.trial_id).where(_OF_STUDY, _is(TRIALS.c.number, "number"))
NUMBERS_IN_STATES = select(TRIALS.c.number).where(_OF_STUDY, _among(TRIALS.c.state, "states")).order_by(_key(TRIALS))
LAST_NUMBER = select(func.max(TRIALS.c.number)).where(_OF_STUDY)
ALL_NUMBERS = select(TRIALS.c.trial_id, TRIALS.c.number).where(_IN_STUDY)
NUMBERS = ALL_NUMBERS.where(_among(TRIALS.c.trial_id, "ids"))

ATTRIBUTES_OF = select(ATTRIBUTES.c.trial_id, ATTRIBUTES.c.key, ATTRIBUTES.c.value_json).where(
    _among(ATTRIBUTES.c.trial_id, "ids"), _among(ATTRIBUTES.c.key, "keys")
)
ATTRIBUTE_SINCE = (
    select(ATTRIBUTES.c.trial_id, ATTRIBUTES.c.value_json)
    .where(_key(ATTRIBUTES) > bindparam("row"), _is(ATTRIBUTES.c.key, "key"))
    .order_by(_key(ATTRIBUTES))
)

EPOCHS_OF = select(EPOCHS.c.trial_id, EPOCHS.c.step).where(_among(EPOCHS.c.trial_id, "ids"))
EPOCHS_AFTER = select(EPOCHS).where(_AFTER).order_by(_key(EPOCHS))
COUNT_EPOCHS_AFTER = (
    select(func.count(_key(EPOCHS)), func.max(_key(EPOCHS)))
    .select_from(EPOCHS)
    .join(TRIALS, TRIALS.c.trial_id == EPOCHS.c.trial_id)
    .where(_AFTER, _IN_STUDY)
)
LAST_EPOCH = (
    select(EPOCHS.c.intermediate_value, EPOCHS.c.intermediate_value_type)
    .where(_is(EPOCHS.c.trial_id, "trial"))
    .order_by(EPOCHS.c.step.desc())
    .limit(1)
)
BEGUN = [select(table.c.trial_id).where(_among(table.c.trial_id, "ids")).distinct() for table in (PARAMS, EPOCHS)]

LAST_ROW = {table: select(func.max(_key(table))) for table in (ATTRIBUTES, MARKS)}

UPDATED_TRIAL = update(TRIALS).where(_is(TRIALS.c.trial_id, "trial"))
DELETED_VALUE = delete(VALUES).where(_is(VALUES.c.trial_id, "trial"))
DELETED_KEYS = {
    table: delete(table).where(_is(table.c.trial_id, "trial"), _among(table.c.key, "keys"))
    for table in (ATTRIBUTES, MARKS)
}
