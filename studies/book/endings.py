"""How trials leave their coordinator: told, or put back."""

from collections.abc import Mapping, Sequence
from typing import Any

from optuna.trial import TrialState

from .. import attributes
from .holdings import Holdings
from .put_back import put_back
from .terms import Fence, Row, TrialOutcome


class Endings:
    """Ends the trials in `holdings`; see Book for what each method answers."""

    def __init__(self, holdings: Holdings) -> None:
        self._holdings = holdings

    def finish(self, number: int, outcome: TrialOutcome, history: Sequence[Row]) -> Fence:
        """Tell how a trial ended, and record the epochs of its history that the study lacks."""
        state = TrialState.COMPLETE if outcome.complete else TrialState.PRUNED
        with self._holdings.leaving(number) as (rows, fence):
            written, kept = self._holdings.epochs(rows, [number]), self._holdings.others_kept(rows, [number])
            if not fence().held:
                return fence()
            recorded = self._holdings.record(rows, history, written(), kept())
            trial_id = self._holdings.mine[number].trial_id
            rows.set_attributes(trial_id, outcome.notes)
            excesses = outcome.excesses if outcome.usable else {attributes.USABLE: 1.0, **outcome.excesses}
            # as `Trial.set_constraint` writes them
            rows.set_marks(trial_id, {f"constraints:{name}": excess for name, excess in excesses.items()})
            if outcome.complete:
                rows.tell(trial_id, state, outcome.values)
            else:
                self._holdings.tell_pruned(rows, trial_id, rows.last_value(trial_id)())
        return Fence(True, state, recorded=tuple(row.epoch for row in recorded))

    def fail(self, number: int, error: str) -> Fence:
        """Tell FAIL with `error`."""
        with self._holdings.leaving(number) as (rows, fence):
            if not fence().held:
                return fence()
            rows.set_attributes(self._holdings.mine[number].trial_id, {attributes.ERROR: error})
            rows.set_state(self._holdings.mine[number].trial_id, TrialState.FAIL)
        return Fence(True, TrialState.FAIL)

    def put_back(self, number: int, notes: Mapping[str, Any]) -> Fence:
        """Put a trial back, with `notes`: WAITING, or paused where that is decided."""
        with self._holdings.leaving(number) as (rows, fence):
            if not fence().held:
                return fence()
            trial_id = self._holdings.mine[number].trial_id
            rung = put_back(rows, [trial_id], notes).get(trial_id)
        return Fence(True, TrialState.WAITING if rung is None else TrialState.RUNNING, rung)
