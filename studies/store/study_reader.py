"""What stands of one study in Optuna's tables, read within a transaction.

Each method asks; the answer is there once it is called, see pipeline.py.
"""

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from math import inf, isnan
from typing import Any

from optuna.trial import FrozenTrial, TrialState

from ...errors import StudyError
from . import statements
from .pipeline import Answer, Pipeline
from .plain_trials import frozen_trials, read_number, trial_queries, trials_where
from .statements import ids, marks


class StudyGoneError(StudyError):
    """The study was deleted."""


@dataclass(frozen=True, slots=True)
class EpochRow:
    """The objective of an epoch as it stands in the store; `row` grows in the order of writing."""

    row: int
    number: int
    epoch: int
    value: float


class StudyReader:
    """Reads of one study by `pipeline`.

    Where the study was deleted, the first answer raises StudyGoneError.
    """

    def __init__(self, pipeline: Pipeline, study_id: int, *, lock: bool = False) -> None:
        self._pipeline, self._study_id = pipeline, study_id
        study = statements.LOCKED_STUDY[pipeline.dialect] if lock else statements.STUDY
        pipeline.require(study, [study_id], StudyGoneError("the study was deleted"))

    def now(self) -> Answer[float | None]:
        """The time of the database, in seconds since the epoch; None for SQLite, which has that of its machine."""
        clock = self._ask(statements.CLOCK.get(self._pipeline.dialect, "SELECT NULL"))
        return clock.then(lambda rows: None if (now := rows[0][0]) is None else float(now))

    def uptime(self) -> Answer[float]:
        """For how long the database server has been up, in seconds; infinity where there is no server."""
        uptime = self._ask(statements.UPTIME.get(self._pipeline.dialect, "SELECT NULL"))
        return uptime.then(lambda rows: inf if rows[0][-1] is None else float(rows[0][-1]))

    def trials(self, trial_ids: Iterable[int]) -> Answer[list[FrozenTrial]]:
        """Trials by id, complete, the oldest first."""
        return self._trials(trials_where(f"trial_id IN {ids(trial_ids)}"))

    def changed_trials(
        self, last_id: int, trial_ids: Iterable[int], running: Iterable[int], key: str, row: int
    ) -> Answer[list[FrozenTrial]]:
        """The trials that may have changed, complete, the oldest first.

        They are those made after `last_id`, those of `trial_ids`, those of `running` that run no more, and those whose
        attribute `key` is newer than `row`.
        """
        study = self._study_id
        changed = statements.CHANGED_TRIALS.format(ids=ids(trial_ids), running=ids(running))
        return self._trials(changed, last_id, study, study, study, row, key, study)

    def last_attribute(self) -> Answer[int]:
        """The row of the attribute that was written last, 0 for none.

        Where it is less than before, a study was deleted, and its rows may be used again: what is newer than a row has
        to be read anew.
        """
        return self._ask(statements.LAST_ATTRIBUTE).then(lambda rows: rows[0][0] or 0)

    def attribute_since(self, key: str, row: int) -> Answer[dict[int, tuple[int, Any]]]:
        """The trials whose attribute `key` is newer than `row`, by number: their ids, and its value."""
        written = self._ask(statements.ATTRIBUTE_SINCE, row, key, self._study_id)
        return written.then(lambda rows: {number: (trial_id, json.loads(text)) for number, trial_id, text in rows})

    def ids_of(self, numbers: Iterable[int]) -> Answer[dict[int, int]]:
        """The ids of trials by number, of those that there are."""
        return self._ask(statements.IDS_OF.format(numbers=ids(numbers)), self._study_id).then(dict)

    def numbers(self, states: Collection[TrialState]) -> Answer[list[int]]:
        """The numbers of the trials in one of `states`, the oldest first."""
        text = statements.NUMBERS_IN_STATES.format(states=marks(states))
        numbers = self._ask(text, self._study_id, *(state.name for state in states))
        return numbers.then(lambda rows: [row[0] for row in rows])

    def states(self, trial_ids: Iterable[int]) -> Answer[dict[int, TrialState]]:
        """The states of trials by id; nobody else writes to these until the transaction ends."""
        lock = "" if self._pipeline.dialect == "sqlite" else " FOR UPDATE"
        states = self._ask(statements.STATES.format(ids=ids(trial_ids)) + lock)
        return states.then(lambda rows: {trial_id: TrialState[name] for trial_id, name in rows})

    def attribute(self, key: str, trial_ids: Iterable[int]) -> Answer[dict[int, Any]]:
        """The attribute `key` of trials by id, of those that have it."""
        return self.attributes((key,), trial_ids).then(lambda notes: {each: notes[each][key] for each in notes})

    def attributes(self, keys: Sequence[str], trial_ids: Iterable[int]) -> Answer[dict[int, dict[str, Any]]]:
        """The attributes `keys` of trials by id, of those that have any of them."""
        return self._ask(statements.ATTRIBUTES_OF.format(ids=ids(trial_ids), keys=marks(keys)), *keys).then(_by_trial)

    def next_number(self) -> Answer[int]:
        """The number of the trial that is made next."""
        last = self._ask(statements.LAST_NUMBER, self._study_id)
        return last.then(lambda rows: 0 if rows[0][0] is None else rows[0][0] + 1)

    def epochs(self, trial_ids: Iterable[int]) -> Answer[set[tuple[int, int]]]:
        """The epochs that trials have reported, as (trial id, epoch)."""
        epochs = self._ask(statements.EPOCHS_OF.format(ids=ids(trial_ids)))
        return epochs.then(lambda rows: {(trial_id, epoch) for trial_id, epoch in rows})

    def epochs_after(self, row: int) -> Answer[list[EpochRow]]:
        """The epochs of the whole study that were written after `row`, in that order."""
        new = self._ask(statements.EPOCHS_AFTER, row, self._study_id)
        return new.then(lambda rows: [_epoch_row(*row) for row in rows])

    def count_epochs_after(self, row: int) -> Answer[tuple[int, int]]:
        """How many epochs of the whole study were written after `row`, and the last row of them, `row` for none."""
        count = self._ask(statements.COUNT_EPOCHS_AFTER, row, self._study_id)
        return count.then(lambda rows: (rows[0][0], rows[0][1] or row))

    def last_value(self, trial_id: int) -> Answer[float | None]:
        """The objective of the last epoch that a trial reported; None for none, and where it is no number."""
        last = self._ask(statements.LAST_EPOCH, trial_id)
        return last.then(lambda rows: number_or_none(read_number(*rows[0])) if rows else None)

    def _trials(self, chosen: str, *values: str | int) -> Answer[list[FrozenTrial]]:
        """The trials whose ids the query `chosen` answers, given its values."""
        head, *parts = [self._ask(query, *values) for query in trial_queries(chosen)]
        return head.then(lambda rows: frozen_trials([rows, *(part() for part in parts)]))

    def _ask(self, text: str, *values: str | int) -> Answer[list[Any]]:
        return self._pipeline.ask(text, values)


def _epoch_row(row: int, number: int, epoch: int, value: float | None, kind: str) -> EpochRow:
    return EpochRow(row, number, epoch, read_number(value, kind))


def _by_trial(rows: list[Any]) -> dict[int, dict[str, Any]]:
    notes: dict[int, dict[str, Any]] = {}
    for trial_id, key, text in rows:
        notes.setdefault(trial_id, {})[key] = json.loads(text)
    return notes


def number_or_none(value: float) -> float | None:
    """A value that a trial may be told with, None for one that is no number."""
    return None if isnan(value) else value
