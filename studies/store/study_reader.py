"""What stands of one study in Optuna's tables, read within a transaction."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from optuna.trial import TrialState
from sqlalchemy import ColumnElement, func, literal_column, select
from sqlalchemy.engine import Connection

from .tables import ATTRIBUTES, EPOCHS, PARAMS, TRIALS, read_epoch

_ATTRIBUTE_ROW = ATTRIBUTES.c.trial_user_attribute_id

_FEW = 1000  # values that every database takes in one statement

# as text: PostgreSQL makes a number of a time in its own grammar alone
_CLOCKS: Mapping[str, ColumnElement[float]] = {
    "postgresql": literal_column("extract(epoch from clock_timestamp())"),
    "mysql": literal_column("unix_timestamp(now(6))"),
    "mariadb": literal_column("unix_timestamp(now(6))"),
}


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


class StudyReader:
    """Reads within one transaction."""

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

    def next_number(self) -> int:
        """The number of the trial that is made next."""
        query = select(func.max(TRIALS.c.number)).where(TRIALS.c.study_id == self._study_id)
        last = self._connection.execute(query).scalar_one()
        return 0 if last is None else last + 1

    def epochs(self, trial_ids: Iterable[int]) -> set[tuple[int, int]]:
        """The epochs that trials have reported, as (trial id, epoch)."""
        query = select(EPOCHS.c.trial_id, EPOCHS.c.step).where(EPOCHS.c.trial_id.in_(list(trial_ids)))
        return {(trial_id, epoch) for trial_id, epoch in self._connection.execute(query)}

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
            EpochRow(key, numbers[trial_id], epoch, read_epoch(value, kind))
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
        value = None if row is None else read_epoch(*row)
        return None if value is None or value != value else value
