"""Rows of one study in Optuna's tables, several written in one transaction.

A write of Optuna's is a transaction of its own, and asks nobody whether the trial is still the writer's. Here all that
belongs together is written together, on the same tables, by whichever database holds them.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from optuna.distributions import BaseDistribution, distribution_to_json
from optuna.storages import BaseStorage, RDBStorage
from optuna.storages._rdb import models
from optuna.trial import TrialState
from sqlalchemy import ColumnElement, Table, delete, func, insert, literal_column, select, update
from sqlalchemy.engine import Connection, Engine

from ...errors import StudyError
from .sqlite_storage import BUSY_TIMEOUT_S

STUDIES: Table = models.StudyModel.__table__
TRIALS: Table = models.TrialModel.__table__
ATTRIBUTES: Table = models.TrialUserAttributeModel.__table__
MARKS: Table = models.TrialSystemAttributeModel.__table__
PARAMS: Table = models.TrialParamModel.__table__
VALUES: Table = models.TrialValueModel.__table__
EPOCHS: Table = models.TrialIntermediateValueModel.__table__

FIXED = "fixed_params"
"""Optuna's mark of what `enqueue_trial` was given."""

_stored_epoch = models.TrialIntermediateValueModel.intermediate_value_to_stored_repr
_read_epoch = models.TrialIntermediateValueModel.stored_repr_to_intermediate_value
_stored_value = models.TrialValueModel.value_to_stored_repr


LOCK_WAIT_S = 1.0
"""How long a transaction waits for another writer of an SQLite file; whoever has patience begins it again."""

_ATTRIBUTE_ROW = ATTRIBUTES.c.trial_user_attribute_id

_FEW = 1000  # values that every database takes in one statement

# as text: PostgreSQL makes a number of a time in its own grammar alone
_CLOCKS: Mapping[str, ColumnElement[float]] = {
    "postgresql": literal_column("extract(epoch from clock_timestamp())"),
    "mysql": literal_column("unix_timestamp(now(6))"),
    "mariadb": literal_column("unix_timestamp(now(6))"),
}


class StudyGoneError(StudyError):
    """The study was deleted."""


@dataclass(frozen=True, slots=True)
class TrialRow:
    """A trial as it stands in the store."""

    trial_id: int
    number: int
    state: TrialState


@dataclass(frozen=True, slots=True)
class EpochRow:
    """The objective of an epoch as it stands in the store; `row` grows in the order of writing."""

    row: int
    number: int
    epoch: int
    value: float


def engine_of(storage: BaseStorage) -> Engine:
    """The engine of a store.

    Raises:
        StudyError: it is no database.
    """
    engine: Engine = backend_of(storage).engine
    return engine


def backend_of(storage: BaseStorage) -> RDBStorage:
    """The database below the cache that a study wraps it in.

    Raises:
        StudyError: there is none.
    """
    backend = getattr(storage, "_backend", storage)
    if not isinstance(backend, RDBStorage):
        raise StudyError(f"a study must be kept in a database, got {type(backend).__name__}; see open_storage")
    return backend


@contextmanager
def transaction(engine: Engine, study_id: int) -> Iterator["Transaction"]:
    """One transaction on a study, which excludes every other writer to it; an exception takes all of it back.

    Raises:
        StudyGoneError: the study was deleted.
    """
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":  # which has no lock of a row
            _lock_file(connection)
        # rows get their ids in the order in which transactions end, so that a reader never misses one
        locked = select(STUDIES.c.study_id).where(STUDIES.c.study_id == study_id).with_for_update()
        if connection.execute(locked).first() is None:
            raise StudyGoneError("the study was deleted")
        yield Transaction(connection, study_id)
        connection.commit()


def _lock_file(connection: Connection) -> None:
    """Begin to write to an SQLite file; the wait for another writer is short, as Python sees no Ctrl-C within it."""
    # note: straight to the driver, as every transaction does this: through SQLAlchemy it takes a fifth of one's time
    sqlite: Any = connection.connection.driver_connection
    sqlite.execute(f"PRAGMA busy_timeout = {LOCK_WAIT_S * 1000:.0f}")
    try:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    finally:
        sqlite.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_S * 1000:.0f}")


class Transaction:
    """Reads and writes within one transaction."""

    def __init__(self, connection: Connection, study_id: int) -> None:
        self._connection, self._study_id = connection, study_id
        # a sum, so that no index of the study's trials is used where their ids are given: it would find them all
        self._in_study = TRIALS.c.study_id + 0 == study_id

    def now(self) -> float | None:
        """The time of the database, in seconds since the epoch; None for SQLite, which has that of its machine."""
        clock = _CLOCKS.get(self._connection.dialect.name)
        return None if clock is None else float(self._connection.execute(select(clock)).scalar_one())

    def trials_since(self, last_id: int, trial_ids: Iterable[int]) -> list[TrialRow]:
        """The trials `trial_ids`, and those made after `last_id`, the oldest first."""
        given, new = TRIALS.c.trial_id.in_(list(trial_ids)), TRIALS.c.trial_id > last_id
        query = select(TRIALS.c.trial_id, TRIALS.c.number, TRIALS.c.state).where(self._in_study, given | new)
        # a sum, so that SQLite does not go through all trials, in their order, to save itself the sorting
        return [TrialRow(*row) for row in self._connection.execute(query.order_by(TRIALS.c.trial_id + 0))]

    def attribute_since(self, key: str, row: int) -> tuple[dict[int, Any], int]:
        """The attribute `key` of the trials in which it was written after `row`, by id, and the last row there is.

        note: those of other studies are among them.
        """
        last = self._connection.execute(select(func.max(_ATTRIBUTE_ROW))).scalar_one() or 0
        query = select(ATTRIBUTES.c.trial_id, ATTRIBUTES.c.value_json)
        # with fewer rows than before, a study was deleted, and its rows may be used again: all is read anew
        after = row if row <= last else 0
        query = query.where(after < _ATTRIBUTE_ROW, ATTRIBUTES.c.key == key)
        written = self._connection.execute(query.order_by(_ATTRIBUTE_ROW))
        return {trial_id: json.loads(text) for trial_id, text in written}, last

    def numbers(self, states: Sequence[TrialState]) -> list[int]:
        """The numbers of the trials in one of `states`, the oldest first."""
        query = select(TRIALS.c.number).where(TRIALS.c.study_id == self._study_id, TRIALS.c.state.in_(states))
        return list(self._connection.execute(query.order_by(TRIALS.c.trial_id)).scalars())

    def id_of(self, number: int) -> int | None:
        """The id of trial `number`; None where there is no such trial."""
        query = select(TRIALS.c.trial_id).where(TRIALS.c.study_id == self._study_id, TRIALS.c.number == number)
        return self._connection.execute(query).scalar_one_or_none()

    def states(self, trial_ids: Iterable[int]) -> dict[int, TrialState]:
        """The states of trials by id; nobody else writes to these until the transaction ends."""
        query = select(TRIALS.c.trial_id, TRIALS.c.state).where(TRIALS.c.trial_id.in_(list(trial_ids)))
        return {row.trial_id: row.state for row in self._connection.execute(query.with_for_update())}

    def attribute(self, key: str, trial_ids: Iterable[int]) -> dict[int, Any]:
        """The attribute `key` of trials by id, of those that have it."""
        return {trial_id: notes[key] for trial_id, notes in self.attributes((key,), trial_ids).items()}

    def attributes(self, keys: Sequence[str], trial_ids: Iterable[int]) -> dict[int, dict[str, Any]]:
        """The attributes `keys` of trials by id, of those that have any of them."""
        query = select(ATTRIBUTES.c.trial_id, ATTRIBUTES.c.key, ATTRIBUTES.c.value_json)
        query = query.where(ATTRIBUTES.c.trial_id.in_(list(trial_ids)), ATTRIBUTES.c.key.in_(keys))
        notes: dict[int, dict[str, Any]] = {}
        for trial_id, key, text in self._connection.execute(query):
            notes.setdefault(trial_id, {})[key] = json.loads(text)
        return notes

    def with_values(self, trial_ids: Iterable[int]) -> set[int]:
        """The ids of the trials that have a parameter or an epoch."""
        ids = list(trial_ids)
        begun: set[int] = set()
        for table in (PARAMS, EPOCHS):
            query = select(table.c.trial_id).where(table.c.trial_id.in_(ids)).distinct()
            begun.update(self._connection.execute(query).scalars())
        return begun

    def has_newer(self, trial_id: int) -> bool:
        """Whether a trial was made after `trial_id`."""
        query = select(TRIALS.c.trial_id).where(self._in_study, TRIALS.c.trial_id > trial_id).limit(1)
        return self._connection.execute(query).first() is not None

    def create(self, number: int) -> int:
        """Create trial `number`, running; return its id."""
        values = {"study_id": self._study_id, "number": number, "state": TrialState.RUNNING, "datetime_start": _now()}
        key: Any = self._connection.execute(insert(TRIALS).values(values)).inserted_primary_key
        return int(key[0])

    def next_number(self) -> int:
        """The number of the trial that is made next."""
        query = select(func.max(TRIALS.c.number)).where(TRIALS.c.study_id == self._study_id)
        last = self._connection.execute(query).scalar_one()
        return 0 if last is None else last + 1

    def enqueue(self, number: int, values: Mapping[str, Any], notes: Mapping[str, Any]) -> None:
        """Create trial `number`, waiting, with the values that it is to have, as `enqueue_trial` does."""
        row = {"study_id": self._study_id, "number": number, "state": TrialState.WAITING}
        key: Any = self._connection.execute(insert(TRIALS).values(row)).inserted_primary_key
        self.set_marks(int(key[0]), {FIXED: dict(values)})
        self.set_attributes(int(key[0]), notes)

    def set_state(self, trial_id: int, state: TrialState) -> None:
        """Write the state of a trial, with the time of its start or end."""
        times = {"datetime_start": _now()} if state is TrialState.RUNNING else {}
        if state.is_finished():
            times = {"datetime_complete": _now()}
        self._connection.execute(update(TRIALS).where(TRIALS.c.trial_id == trial_id).values(state=state, **times))

    def tell(self, trial_id: int, state: TrialState, value: float | None) -> None:
        """Write how a trial ended."""
        if value is not None:
            self.set_value(trial_id, value)
        self.set_state(trial_id, state)

    def set_attributes(self, trial_id: int, notes: Mapping[str, Any]) -> None:
        """Write user attributes of a trial."""
        self._replace(ATTRIBUTES, trial_id, notes)

    def set_marks(self, trial_id: int, marks: Mapping[str, Any]) -> None:
        """Write system attributes of a trial."""
        self._replace(MARKS, trial_id, marks)

    def add_params(self, trial_id: int, params: Mapping[str, Any], kinds: Mapping[str, BaseDistribution]) -> None:
        """Write the parameters of a trial that has none of them yet."""
        rows = [
            {
                "trial_id": trial_id,
                "param_name": name,
                "param_value": kinds[name].to_internal_repr(value),
                "distribution_json": distribution_to_json(kinds[name]),
            }
            for name, value in params.items()
        ]
        if rows:
            self._connection.execute(insert(PARAMS), rows)

    def set_value(self, trial_id: int, value: float) -> None:
        """Write the result of a trial."""
        self._connection.execute(delete(VALUES).where(VALUES.c.trial_id == trial_id))
        stored, kind = _stored_value(value)
        row = {"trial_id": trial_id, "objective": 0, "value": stored, "value_type": kind}
        self._connection.execute(insert(VALUES), [row])

    def epochs(self, trial_ids: Iterable[int]) -> set[tuple[int, int]]:
        """The epochs that trials have reported, as (trial id, epoch)."""
        query = select(EPOCHS.c.trial_id, EPOCHS.c.step).where(EPOCHS.c.trial_id.in_(list(trial_ids)))
        return {(trial_id, epoch) for trial_id, epoch in self._connection.execute(query)}

    def add_epochs(self, epochs: Iterable[tuple[int, int, float]]) -> None:
        """Write (trial id, epoch, value) of epochs that are not there yet."""
        rows = []
        for trial_id, epoch, value in epochs:
            stored, kind = _stored_epoch(value)
            rows.append(
                {
                    "trial_id": trial_id,
                    "step": epoch,
                    "intermediate_value": stored,
                    "intermediate_value_type": kind,
                }
            )
        if rows:
            self._connection.execute(insert(EPOCHS), rows)

    def epochs_after(self, row: int) -> list[EpochRow]:
        """The epochs of the whole study that were written after `row`, in that order."""
        # two steps: joined, SQLite would begin at the trials of the study and look at the epochs of all
        query = select(EPOCHS).where(EPOCHS.c.trial_intermediate_value_id > row)
        new = self._connection.execute(query.order_by(EPOCHS.c.trial_intermediate_value_id)).all()
        ids = {epoch.trial_id for epoch in new}
        ours = select(TRIALS.c.trial_id, TRIALS.c.number).where(self._in_study)
        if len(ids) < _FEW:  # which is all but the first time
            ours = ours.where(TRIALS.c.trial_id.in_(ids))
        numbers = {trial.trial_id: trial.number for trial in self._connection.execute(ours)}
        return [
            EpochRow(key, numbers[trial_id], epoch, _read_epoch(value, kind))
            for key, trial_id, epoch, value, kind in new
            if trial_id in numbers
        ]

    def count_epochs_after(self, row: int) -> tuple[int, int]:
        """How many epochs of the whole study were written after `row`, and the last row of them, `row` for none."""
        key = EPOCHS.c.trial_intermediate_value_id
        query = select(func.count(key), func.max(key)).select_from(EPOCHS)
        query = query.join(TRIALS, TRIALS.c.trial_id == EPOCHS.c.trial_id).where(key > row, self._in_study)
        count, last = self._connection.execute(query).one()
        return count, last or row

    def last_value(self, trial_id: int) -> float | None:
        """The objective of the last epoch that a trial reported; None for none, and where it is no number."""
        query = select(EPOCHS.c.intermediate_value, EPOCHS.c.intermediate_value_type)
        query = query.where(EPOCHS.c.trial_id == trial_id).order_by(EPOCHS.c.step.desc()).limit(1)
        row = self._connection.execute(query).first()
        value = None if row is None else _read_epoch(*row)
        return None if value is None or value != value else value

    def _replace(self, table: Table, trial_id: int, notes: Mapping[str, Any]) -> None:
        if not notes:
            return
        rows: list[dict[str, Any]] = [
            {"trial_id": trial_id, "key": key, "value_json": json.dumps(note)} for key, note in notes.items()
        ]
        if self._connection.dialect.name == "sqlite":
            # which gives the row of what was deleted last to what is written next, so that a reader of what is new
            # would miss it, see `attribute_since`; other databases count on
            (row,) = table.primary_key
            last = self._connection.execute(select(func.max(row))).scalar_one() or 0
            rows = [{row.name: last + place, **values} for place, values in enumerate(rows, start=1)]
        self._connection.execute(delete(table).where(table.c.trial_id == trial_id, table.c.key.in_(list(notes))))
        self._connection.execute(insert(table), rows)


def _now() -> datetime:
    # Optuna stores naive UTC
    return datetime.now(UTC).replace(tzinfo=None)
