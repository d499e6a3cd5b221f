"""Extensions: trials that train the configuration of another one of their study for longer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import optuna
from optuna.distributions import BaseDistribution
from optuna.trial import FrozenTrial, TrialState

from .. import attributes
from ..store.exclusive import exclusive
from ..store.transaction import engine_of, transaction

BUDGET = "budget.epochs"
"""The parameter of a space in which the budget is a dimension."""


@dataclass(frozen=True, slots=True)
class Extension:
    """A trial to be put in line: the configuration of trial `parent`, with a budget of `epochs`.

    `config` is its TrialConfig as JSON, `model_source` the SHA-256 of the file of a user's model, empty for others.
    """

    parent: int
    epochs: int
    config: str
    model_source: str = ""

    @property
    def origin(self) -> dict[str, Any]:
        """The attribute by which it is known."""
        return {"extends": {"trial": self.parent, "epochs": self.epochs}}

    @property
    def notes(self) -> dict[str, Any]:
        """The attributes that it begins with: a trial that has a configuration keeps it."""
        source = {attributes.MODEL_SOURCE: self.model_source} if self.model_source else {}
        return {attributes.ORIGIN: self.origin, attributes.CONFIG: self.config, **source}


def put_in_line(study: optuna.Study, extensions: Sequence[Extension]) -> list[int]:
    """Put in line those of `extensions` that are not there yet; return the numbers of all, in their order.

    One that has failed is put in line anew. All is written in one transaction, while nobody else does so: a command
    that is killed and repeated finds what it has put in line.
    """
    with exclusive(study._storage, study.study_name).hold():
        trials = {trial.number: trial for trial in study.get_trials(deepcopy=False)}
        lined_up = [
            (trial.user_attrs.get(attributes.ORIGIN), trial.number)
            for trial in trials.values()
            if trial.state is not TrialState.FAIL
        ]
        numbers = [next((number for origin, number in lined_up if origin == each.origin), None) for each in extensions]
        with transaction(engine_of(study._storage), study._study_id) as rows:
            following = rows.next_number()()
            for place, extension in enumerate(extensions):
                if numbers[place] is None:
                    trial_id = rows.enqueue(following, {}, extension.notes)
                    rows.add_params(trial_id, *_params(trials[extension.parent], extension.epochs))
                    numbers[place], following = following, following + 1
    return [number for number in numbers if number is not None]


def _params(parent: FrozenTrial, epochs: int) -> tuple[dict[str, Any], Mapping[str, BaseDistribution]]:
    """The parameters of an extension, and their distributions: those of its parent, but for a budget among them."""
    params, kinds = dict(parent.params), parent.distributions
    if BUDGET in params:
        del params[BUDGET]
        if kinds[BUDGET]._contains(epochs):  # else it is no value of the space, and none that Optuna takes
            params[BUDGET] = epochs
    return params, kinds
