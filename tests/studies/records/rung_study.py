"""A study whose trials are paused at rungs, as a search leaves it."""

import json
from collections.abc import Sequence
from typing import Any

import optuna
from hpo.studies import attributes
from hpo.studies.records.strategy import StrategyRecord
from optuna.trial import FrozenTrial, TrialState, create_trial

STRATEGY = StrategyRecord("rungs", sampler="forest", one_in=(4, 4), rungs=(1, 4))
CONFIG = json.dumps({"budget": {"epochs": 16}, "precision": {"dtype": "fp32"}, "compile": "off"})


def climbed(state: str, *curve: float, rung: int | None = None, **notes: Any) -> FrozenTrial:
    """A trial with a curve in `state`, paused where a rung is given; complete and pruned ones have their last value."""
    finished = state in ("COMPLETE", "PRUNED")
    paused = {} if rung is None else {attributes.PAUSED: {"rung": rung}}
    return create_trial(
        state=TrialState[state],
        value=curve[-1] if finished and curve else None,
        intermediate_values=dict(enumerate(curve, start=1)),
        user_attrs={attributes.CONFIG: CONFIG, **paused, **notes},
    )


def rung_study(
    *trials: FrozenTrial,
    storage: Any = None,
    strategy: StrategyRecord | None = STRATEGY,
    direction: str = "maximize",
) -> optuna.Study:
    """A study of these trials, with the strategy as its attribute."""
    study = optuna.create_study(study_name="s", storage=storage, direction=direction)
    study.set_user_attr(attributes.OBJECTIVE_METRIC, "val_accuracy")
    if strategy is not None:
        study.set_user_attr(attributes.STRATEGY, strategy.to_attribute())
    study.add_trials(trials)
    return study


def five() -> Sequence[FrozenTrial]:
    """One that ran to its end, two at the second rung, of which one was promoted just now, and two at the first."""
    return (
        climbed("COMPLETE", 0.4, 0.5, 0.6, 0.7, 0.8),
        climbed("RUNNING", 0.1, rung=0),
        climbed("RUNNING", 0.5, 0.5, 0.6, 0.65, rung=1),
        climbed("RUNNING", 0.3, rung=0),
        climbed("RUNNING", 0.45, 0.5, 0.6, 0.75),
    )
