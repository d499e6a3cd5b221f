"""Rows of one study in Optuna's tables, several written in one transaction.

A write of Optuna's is a transaction of its own, and asks nobody whether the trial is still the writer's. Here all that
belongs together is written together, on the same tables, by whichever database holds them.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from optuna.distributions import BaseDistribution, distribution_to_json
from optuna.trial import TrialState

from . import statements
from .statements import insert, marks
from .study_reader import StudyReader
from .tables import FIXED, stored_epoch, stored_value

_ATTRIBUTES, _MARKS = "trial_user_attributes", "trial_system_attributes"


class Transaction(StudyReader):
    """Reads and writes within one transaction; what is written is sent with the next answer, or at the end."""

    def create(self, number: int) -> int:
        """Create trial `number`, running; return its id."""
        return self._create(number, TrialState.RUNNING, self._now)

    def enqueue(self, number: int, values: Mapping[str, Any], notes: Mapping[str, Any]) -> int:
        """Create trial `number`, waiting, with the values that it is to have, as `enqueue_trial`; return its id."""
        trial_id = self._create(number, TrialState.WAITING, "NULL")
        self.set_marks(trial_id, {FIXED: dict(values)})
        self.set_attributes(trial_id, notes)
        return trial_id

    def begin(self, trial_id: int, notes: Mapping[str, Any]) -> None:
        """Write that a waiting trial runs, with user attributes; whoever else asks for a trial gets another.

        note: Optuna takes a waiting trial as soon as it can write, though it has looked at it long before. So an SQLite
        file must not be held between this and what was read before.
        """
        self.set_state(trial_id, TrialState.RUNNING)
        self.set_attributes(trial_id, notes)
        self._pipeline.share()

    def set_state(self, trial_id: int, state: TrialState) -> None:
        """Write the state of a trial, with the time of its start or end."""
        if state is TrialState.WAITING:
            self._pipeline.write("UPDATE trials SET state = ? WHERE trial_id = ?", (state.name, trial_id))
        else:
            time = "datetime_start" if state is TrialState.RUNNING else "datetime_complete"
            text = f"UPDATE trials SET state = ?, {time} = {self._now} WHERE trial_id = ?"
            self._pipeline.write(text, (state.name, trial_id))

    def tell(self, trial_id: int, state: TrialState, values: Sequence[float] | None) -> None:
        """Write how a trial ended, with its value for each objective."""
        if values is not None:
            self.set_values(trial_id, values)
        self.set_state(trial_id, state)

    def set_attributes(self, trial_id: int, notes: Mapping[str, Any]) -> None:
        """Write user attributes of a trial."""
        self._replace(_ATTRIBUTES, trial_id, notes)

    def set_marks(self, trial_id: int, marks: Mapping[str, Any]) -> None:
        """Write system attributes of a trial."""
        self._replace(_MARKS, trial_id, marks)

    def add_params(self, trial_id: int, params: Mapping[str, Any], kinds: Mapping[str, BaseDistribution]) -> None:
        """Write the parameters of a trial that has none of them yet."""
        rows = [
            (trial_id, name, float(kinds[name].to_internal_repr(value)), distribution_to_json(kinds[name]))
            for name, value in params.items()
        ]
        self._insert(statements.NEW_PARAMS, rows)

    def set_values(self, trial_id: int, values: Sequence[float]) -> None:
        """Write the result of a trial, a value for each objective."""
        self._pipeline.write(statements.DELETED_VALUE, [trial_id])
        stored = map(stored_value, values)
        self._insert(statements.NEW_VALUE, [(trial_id, n, value, kind.name) for n, (value, kind) in enumerate(stored)])

    def add_epochs(self, epochs: Iterable[tuple[int, int, float]]) -> None:
        """Write (trial id, epoch, value) of epochs that are not there yet."""
        rows = []
        for trial_id, epoch, value in epochs:
            stored, kind = stored_epoch(value)
            rows.append((trial_id, epoch, stored, kind.name))
        self._insert(statements.NEW_EPOCHS, rows)

    @property
    def _now(self) -> str:
        return statements.NOW[self._pipeline.dialect]

    def _create(self, number: int, state: TrialState, started: str) -> int:
        new = statements.NEW_TRIAL.format(started=started)
        self._pipeline.write(new, (self._study_id, number, state.name))
        return self._pipeline.ask(statements.LAST_TRIAL, [self._study_id]).then(lambda rows: int(rows[0][0]))()

    def _insert(self, into: tuple[str, tuple[str, ...]], rows: list[tuple[Any, ...]]) -> None:
        if rows:
            self._pipeline.write(insert(*into, len(rows)), [value for row in rows for value in row])

    def _replace(self, table: str, trial_id: int, notes: Mapping[str, Any]) -> None:
        if not notes:
            return
        rows = [(trial_id, key, json.dumps(note)) for key, note in notes.items()]
        columns: tuple[str, ...] = ("trial_id", "key", "value_json")
        if self._pipeline.dialect == "sqlite":
            # which gives the row of what was deleted last to what is written next, so that a reader of what is new
            # would miss it, see `attribute_since`; other databases count on
            for row in rows:
                self._pipeline.write(statements.replace_in_new_row(table), row)
        else:
            self._pipeline.write(statements.DELETED_KEYS.format(table=table, keys=marks(notes)), (trial_id, *notes))
            self._insert((table, columns), rows)
