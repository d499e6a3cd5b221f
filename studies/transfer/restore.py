"""A study from plain data into a store, whole or not at all."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from optuna.study import StudyDirection
from optuna.trial import TrialState
from sqlalchemy import Table, insert, select
from sqlalchemy.engine import Connection

from ..store.tables import (
    ATTRIBUTES,
    DIRECTIONS,
    EPOCHS,
    MARKS,
    PARAMS,
    STUDIES,
    STUDY_ATTRIBUTES,
    STUDY_MARKS,
    TRIALS,
    VALUES,
)
from .dump import StudyDump, TrialDump, renamed

_AT_ONCE = 1000
"""Rows that are sent in one statement: few enough for every driver, many enough that a slow wire does not count."""


def restore(connection: Connection, study: StudyDump, name: str) -> None:
    """Write `study` as `name`, of which there is none, within the transaction of `connection`."""
    study_id = connection.execute(insert(STUDIES).values(study_name=name)).inserted_primary_key[0]  # type: ignore[index]
    _write(
        connection,
        DIRECTIONS,
        (
            {"study_id": study_id, "objective": objective, "direction": StudyDirection[direction]}
            for objective, direction in enumerate(study.directions)
        ),
    )
    _write(connection, TRIALS, (_trial(study_id, trial) for trial in study.trials))
    rows = connection.execute(select(TRIALS.c.number, TRIALS.c.trial_id).where(TRIALS.c.study_id == study_id))
    ids = dict(rows.all())
    for table, content in _children(study.trials, ids):
        _write(connection, table, content)
    for table, attributes in ((STUDY_ATTRIBUTES, study.attributes), (STUDY_MARKS, renamed(study.marks, ids))):
        _write(
            connection,
            table,
            ({"study_id": study_id, "key": key, "value_json": text} for key, text in attributes.items()),
        )


def _trial(study_id: int, trial: TrialDump) -> dict[str, Any]:
    return {
        "study_id": study_id,
        "number": trial.number,
        "state": TrialState[trial.state],
        "datetime_start": trial.start and datetime.fromisoformat(trial.start),
        "datetime_complete": trial.end and datetime.fromisoformat(trial.end),
    }


def _children(trials: Sequence[TrialDump], ids: Mapping[int, int]) -> Iterator[tuple[Table, Iterator[dict[str, Any]]]]:
    """The rows of each table about trials, which have `ids` by number."""
    yield (
        PARAMS,
        (
            {"trial_id": ids[trial.number], "param_name": name, "param_value": value, "distribution_json": distribution}
            for trial in trials
            for name, (value, distribution) in trial.params.items()
        ),
    )
    yield (
        VALUES,
        (
            {"trial_id": ids[trial.number], "objective": objective, "value": value, "value_type": kind}
            for trial in trials
            for objective, (value, kind) in enumerate(trial.values)
        ),
    )
    yield (
        EPOCHS,
        (
            {
                "trial_id": ids[trial.number],
                "step": int(step),
                "intermediate_value": value,
                "intermediate_value_type": kind,
            }
            for trial in trials
            for step, (value, kind) in trial.epochs.items()
        ),
    )
    for table, kind in ((ATTRIBUTES, "attributes"), (MARKS, "marks")):
        yield (
            table,
            (
                {"trial_id": ids[trial.number], "key": key, "value_json": text}
                for trial in trials
                for key, text in getattr(trial, kind).items()
            ),
        )


def _write(connection: Connection, table: Table, rows: Iterator[dict[str, Any]]) -> None:
    batch: list[dict[str, Any]] = []
    for row in rows:
        batch.append(row)
        if len(batch) == _AT_ONCE:
            connection.execute(insert(table), batch)
            batch = []
    if batch:
        connection.execute(insert(table), batch)
