"""What stands of one study in Optuna's tables, read within a transaction."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import Any

from optuna.trial import TrialState
from sqlalchemy import ColumnElement, TextClause, literal_column, select
from sqlalchemy.engine import Connection

from . import statements
from .tables import ATTRIBUTES, read_epoch

_FEW = 1000  # values that every database takes in one statement

# as text: PostgreSQL makes a number of a time in its own grammar alone
_CLOCKS: Mapping[str, ColumnElement[float]] = {
    "postgresql": literal_column("extract(epoch from clock_timestamp())"),
    "mysql": literal_column("unix_timestamp(now(6))"),
    "mariadb": literal_column("unix_timestamp(now(6))"),
}
_STARTED = TextClause("SELECT extract(epoch FROM clock_timestamp() - pg_postmaster_start_time())")
_UPTIME = TextClause("SHOW GLOBAL STATUS LIKE 'Uptime'")


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

    def now(self) -> float | None:
        """The time of the database, in seconds since the epoch; None for SQLite, which has that of its machine."""
        clock = _CLOCKS.get(self._connection.dialect.name)
        return None if clock is None else float(self._connection.execute(select(clock)).scalar_one())

    def uptime(self) -> float:
        """For how long the database server has been up, in seconds; infinity where there is no server."""
        match self._connection.dialect.name:
            case "postgresql":
                return float(self._connection.execute(_STARTED).scalar_one())
            case "mysql" | "mariadb":
                return float(self._connection.execute(_UPTIME).one()[1])
        return inf

    def trials_since(self, last_id: int, trial_ids: Iterable[int]) -> list[TrialRow]:
        """The trials `trial_ids`, and those made after `last_id`, the oldest first."""
        given = {"study": self._study_id, "trial": last_id, "ids": list(trial_ids)}
        return [TrialRow(*row) for row in self._connection.execute(statements.TRIALS_SINCE, given)]

    def attribute_since(self, key: str, row: int) -> tuple[dict[int, Any], int]:
        """The attribute `key` of the trials in which it was written after `row`, by id, and the last row there is.

        note: those of other studies are among them.
        """
        last = self._connection.execute(statements.LAST_ROW[ATTRIBUTES]).scalar_one() or 0
        # with fewer rows than before, a study was deleted, and its rows may be used again: all is read anew
        after = row if row <= last else 0
        written = self._connection.execute(statements.ATTRIBUTE_SINCE, {"row": after, "key": key})
        return {trial_id: json.loads(text) for trial_id, text in written}, last

    def numbers(self, states: Sequence[TrialState]) -> list[int]:
        """The numbers of the trials in one of `states`, the oldest first."""
        given = {"study": self._study_id, "states": list(states)}
        return list(self._connection.execute(statements.NUMBERS_IN_STATES, given).scalars())

    def id_of(self, number: int) -> int | None:
        """The id of trial `number`; None where there is no such trial."""
        given = {"study": self._study_id, "number": number}
        return self._connection.execute(statements.TRIAL_OF_NUMBER, given).scalar_one_or_none()

    def states(self, trial_ids: Iterable[int]) -> dict[int, TrialState]:
        """The states of trials by id; nobody else writes to these until the transaction ends."""
        rows = self._connection.execute(statements.STATES, {"ids": list(trial_ids)})
        return {row.trial_id: row.state for row in rows}

    def attribute(self, key: str, trial_ids: Iterable[int]) -> dict[int, Any]:
        """The attribute `key` of trials by id, of those that have it."""
        return {trial_id: notes[key] for trial_id, notes in self.attributes((key,), trial_ids).items()}

    def attributes(self, keys: Sequence[str], trial_ids: Iterable[int]) -> dict[int, dict[str, Any]]:
        """The attributes `keys` of trials by id, of those that have any of them."""
        given = {"ids": list(trial_ids), "keys": list(keys)}
        notes: dict[int, dict[str, Any]] = {}
        for trial_id, key, text in self._connection.execute(statements.ATTRIBUTES_OF, given):
            notes.setdefault(trial_id, {})[key] = json.loads(text)
        return notes

    def with_values(self, trial_ids: Iterable[int]) -> set[int]:
        """The ids of the trials that have a parameter or an epoch."""
        given = {"ids": list(trial_ids)}
        begun: set[int] = set()
        for query in statements.BEGUN:
            begun.update(self._connection.execute(query, given).scalars())
        return begun

    def has_newer(self, trial_id: int) -> bool:
        """Whether a trial was made after `trial_id`."""
        given = {"study": self._study_id, "trial": trial_id}
        return self._connection.execute(statements.NEWER_TRIAL, given).first() is not None

    def next_number(self) -> int:
        """The number of the trial that is made next."""
        last = self._connection.execute(statements.LAST_NUMBER, {"study": self._study_id}).scalar_one()
        return 0 if last is None else last + 1

    def epochs(self, trial_ids: Iterable[int]) -> set[tuple[int, int]]:
        """The epochs that trials have reported, as (trial id, epoch)."""
        rows = self._connection.execute(statements.EPOCHS_OF, {"ids": list(trial_ids)})
        return {(trial_id, epoch) for trial_id, epoch in rows}

    def epochs_after(self, row: int) -> list[EpochRow]:
        """The epochs of the whole study that were written after `row`, in that order."""
        # two steps: joined, SQLite would begin at the trials of the study and look at the epochs of all
        new = self._connection.execute(statements.EPOCHS_AFTER, {"row": row}).all()
        numbers = self._numbers_of({epoch.trial_id for epoch in new})
        return [
            EpochRow(key, numbers[trial_id], epoch, read_epoch(value, kind))
            for key, trial_id, epoch, value, kind in new
            if trial_id in numbers
        ]

    def _numbers_of(self, trial_ids: set[int]) -> dict[int, int]:
        """The numbers, by id, of those of `trial_ids` that are in the study, with the others of it where many are."""
        given: dict[str, Any] = {"study": self._study_id}
        if len(trial_ids) >= _FEW:  # the first time alone
            rows = self._connection.execute(statements.ALL_NUMBERS, given)
        else:
            rows = self._connection.execute(statements.NUMBERS, {**given, "ids": list(trial_ids)})
        return {row.trial_id: row.number for row in rows}

    def count_epochs_after(self, row: int) -> tuple[int, int]:
        """How many epochs of the whole study were written after `row`, and the last row of them, `row` for none."""
        given = {"study": self._study_id, "row": row}
        count, last = self._connection.execute(statements.COUNT_EPOCHS_AFTER, given).one()
        return count, last or row

    def last_value(self, trial_id: int) -> float | None:
        """The objective of the last epoch that a trial reported; None for none, and where it is no number."""
        row = self._connection.execute(statements.LAST_EPOCH, {"trial": trial_id}).first()
        value = None if row is None else read_epoch(*row)
        return None if value is None or value != value else value
