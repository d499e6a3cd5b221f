"""Trials that are to be run first: what their user wants to see tried, and the best of other studies."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import optuna

from .. import attributes
from ..store.transaction import engine_of, transaction


@dataclass(frozen=True, slots=True)
class FirstTrial:
    """Values that a trial shall have, and where they are from.

    `params` are values by dotted key, the others are drawn. `origin` is {"study", "trial"} of the trial that had them,
    or {"try"} with the values that its user gave.
    """

    params: Mapping[str, Any]
    origin: Mapping[str, Any]

    @property
    def source(self) -> tuple[str, Any]:
        """What is put in line once: a study as a whole, since its best trials change, or given values."""
        kind = "study" if "study" in self.origin else "try"
        return kind, self.origin[kind]


def enqueue(study: optuna.Study, first: Sequence[FirstTrial], priors: Mapping[str, Any]) -> list[FirstTrial]:
    """Put in line those of `first` whose source has not been put in line before, and return them; then `priors`.

    All is written in one transaction: a process that is killed has put all or nothing in line. The caller has the
    study's exclusive step, and gives priors, the parameters of the first guess, only to a study without a trial.
    """
    noted = (trial.user_attrs.get(attributes.ORIGIN) for trial in study.get_trials(deepcopy=False))
    before = [FirstTrial({}, origin).source for origin in noted if origin and "extends" not in origin]
    new = [trial for trial in first if trial.source not in before]
    trials: list[tuple[Mapping[str, Any], Mapping[str, Any]]] = [
        (trial.params, {attributes.ORIGIN: dict(trial.origin)}) for trial in new
    ]
    if priors:
        trials.append((priors, {attributes.PRIOR: True}))
    if trials:
        with transaction(engine_of(study._storage), study._study_id) as rows:
            for number, (params, notes) in enumerate(trials, rows.next_number()()):
                rows.enqueue(number, params, notes)
    return new
