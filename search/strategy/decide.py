"""Decisions of a pruner, from the record of epochs alone."""

from collections.abc import Mapping, Sequence
from typing import Literal

import optuna
from optuna.trial import TrialState

from ...studies.book.terms import Row, Stop
from .pruners.registry import build_pruner


class Decide:
    """Which trials to stop, by the pruner `name`, for trials of at most `epochs` epochs.

    It keeps the study's curves in memory; the same record gives the same decisions.
    """

    def __init__(
        self, name: str, epochs: int, *, direction: Literal["maximize", "minimize"] = "maximize", study: str = "study"
    ) -> None:
        self._epochs = epochs
        self._study = optuna.create_study(study_name=study, direction=direction, pruner=build_pruner(name, epochs))
        self._ids: list[int] = []

    def __call__(self, rows: Sequence[Row]) -> dict[int, Stop]:
        """Take the next rows of the record; return the trials to stop."""
        return {row.number: Stop(row.epoch) for row in rows if self._stops(row)}

    def _stops(self, row: Row) -> bool:
        storage = self._study._storage
        while len(self._ids) <= row.number:
            self._ids.append(storage.create_new_trial(self._study._study_id))
        trial_id = self._ids[row.number]
        if storage.get_trial(trial_id).state.is_finished():
            return False
        storage.set_trial_intermediate_value(trial_id, row.epoch, row.value)
        if row.epoch >= self._epochs:
            storage.set_trial_state_values(trial_id, TrialState.COMPLETE, [row.value])
            return False
        if not self._study.pruner.prune(self._study, storage.get_trial(trial_id)):
            return False
        storage.set_trial_state_values(trial_id, TrialState.PRUNED, [row.value])
        return True


def never(rows: Sequence[Row]) -> Mapping[int, Stop]:
    """Stop no trial."""
    return {}
