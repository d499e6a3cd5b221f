"""Rows of one study in Optuna's tables, several written in one transaction.

A write of Optuna's is a transaction of its own, and asks nobody whether the trial is still the writer's. Here all that
belongs together is written together, on the same tables, by whichever database holds them.
"""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from optuna.distributions import BaseDistribution, distribution_to_json
from optuna.trial import TrialState
from sqlalchemy import Table, insert

from . import statements
from .study_reader import StudyReader
from .tables import ATTRIBUTES, EPOCHS, FIXED, MARKS, PARAMS, TRIALS, VALUES, stored_epoch, stored_value


class Transaction(StudyReader):
    """Reads and writes within one transaction."""

    def create(self, number: int) -> int:
        """Create trial `number`, running; return its id."""
        values = {"study_id": self._study_id, "number": number, "state": TrialState.RUNNING, "datetime_start": _now()}
        key: Any = self._connection.execute(insert(TRIALS).values(values)).inserted_primary_key
        return int(key[0])

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
        self._connection.execute(statements.UPDATED_TRIAL, {"trial": trial_id, "state": state, **times})

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
        self._connection.execute(statements.DELETED_VALUE, {"trial": trial_id})
        stored, kind = stored_value(value)
        row = {"trial_id": trial_id, "objective": 0, "value": stored, "value_type": kind}
        self._connection.execute(insert(VALUES), [row])

    def add_epochs(self, epochs: Iterable[tuple[int, int, float]]) -> None:
        """Write (trial id, epoch, value) of epochs that are not there yet."""
        rows = []
        for trial_id, epoch, value in epochs:
            stored, kind = stored_epoch(value)
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
            last = self._connection.execute(statements.LAST_ROW[table]).scalar_one() or 0
            rows = [{row.name: last + offset, **values} for offset, values in enumerate(rows, start=1)]
        self._connection.execute(statements.DELETED_KEYS[table], {"trial": trial_id, "keys": list(notes)})
        self._connection.execute(insert(table), rows)


def _now() -> datetime:
    # Optuna stores naive UTC
    return datetime.now(UTC).replace(tzinfo=None)
