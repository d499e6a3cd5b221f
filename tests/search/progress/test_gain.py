"""What a search says that it has gained."""

import json
from typing import Any

import optuna
import pytest
from hpo.search.progress.gain import gain
from hpo.studies import attributes
from hpo.studies.records.study import StudySummary
from hpo.studies.records.summarise import summarise
from optuna.trial import FrozenTrial, TrialState, create_trial

from ...studies.records.rung_study import climbed, rung_study

CONFIG = json.dumps({"budget": {"epochs": 8}, "precision": {"dtype": "fp32"}, "compile": "off"})


def ended(value: float | None, epochs: int, *, config: str | None = CONFIG, **facts: Any) -> FrozenTrial:
    """A trial of so many epochs: complete with a value, else pruned."""
    return create_trial(
        state=TrialState.PRUNED if value is None else TrialState.COMPLETE,
        value=value,
        intermediate_values=dict.fromkeys(range(1, epochs + 1), 0.5),
        user_attrs={} if config is None else {attributes.CONFIG: config},
        **facts,
    )


def summed(*trials: FrozenTrial, direction: str = "maximize") -> StudySummary:
    study = optuna.create_study(study_name="s", direction=direction)
    study.add_trials(trials)
    return summarise(study._storage, "s")


@pytest.mark.parametrize(
    ("trials", "words"),
    [
        ([ended(0.5722, 8), ended(None, 2), ended(0.9889, 8), ended(None, 6)],
         "0.5722 -> 0.9889 since trial 0; 2 of 4 trials stopped early; 25 % of the epochs saved"),
        ([ended(None, 1), ended(0.8, 8), ended(0.7, 8)],
         "trial 1, the first guess, is still the best; 1 of 3 trials stopped early; 29 % of the epochs saved"),
        ([ended(0.8, 8), ended(0.9, 8)], "0.8000 -> 0.9000 since trial 0"),
        ([ended(0.8, 8), ended(0.9, 4)], "0.8000 -> 0.9000 since trial 0; 25 % of the epochs saved"),
        ([ended(0.99, 8, config=None), ended(0.8, 8), ended(0.9, 8)], "0.8000 -> 0.9000 since trial 1"),
        ([ended(0.8, 8)], ""),
        ([ended(None, 3), ended(None, 3)], ""),
        ([], ""),
    ],
    ids=["both", "the first was stopped", "none stopped", "patience", "of another program", "one", "no value", "none"],
)  # fmt: skip
def test_the_line(trials: list[FrozenTrial], words: str) -> None:
    assert gain(summed(*trials)) == words


@pytest.mark.parametrize("config", ["x", "[]", '{"budget": 3}', '{"budget": {"epochs": "many"}}'])
def test_a_configuration_that_says_no_budget_saves_nothing(config: str) -> None:
    told = gain(summed(ended(0.8, 3, config=config), ended(0.9, 3, config=config)))
    assert told == "0.8000 -> 0.9000 since trial 0"


@pytest.mark.parametrize("status", ["diverged", "out_of_memory", "timed_out", "violated"])
def test_what_was_cut_short_was_not_stopped_early_and_saves_nothing(status: str) -> None:
    broken = ended(None, 2)
    broken.set_user_attr(attributes.STATUS, status)
    assert gain(summed(ended(0.8, 8), broken, ended(0.9, 8))) == "0.8000 -> 0.9000 since trial 0"
    told = gain(summed(ended(0.8, 8), broken, ended(0.9, 8), ended(None, 4)))
    assert told == "0.8000 -> 0.9000 since trial 0; 1 of 3 trials stopped early; 17 % of the epochs saved"


def test_less_is_better_where_it_is_minimised() -> None:
    assert gain(summed(ended(2.5, 8), ended(0.3, 8), direction="minimize")) == "2.5000 -> 0.3000 since trial 0"


def rungs(*trials: FrozenTrial) -> StudySummary:
    return summarise(rung_study(*trials)._storage, "s")


def test_under_rungs_what_is_paused_is_saved_so_far() -> None:
    first = climbed("RUNNING", 0.3, rung=0)
    complete, better = climbed("COMPLETE", *[0.5] * 16), climbed("COMPLETE", *[0.6] * 16)
    assert gain(rungs(first, complete, better, climbed("RUNNING", 0.2, rung=0))) == (
        "0.5000 -> 0.6000 since trial 1, the first that ran to its end; 2 of 4 trials paused; "
        "47 % of the epochs saved so far"
    )
    told = climbed("PRUNED", 0.3, **{attributes.PAUSED: {"rung": 0}})
    assert gain(rungs(told, complete)) == (
        "trial 1, the first that ran to its end, is still the best; 1 of 2 trials stopped early; "
        "47 % of the epochs saved"
    )
    assert gain(rungs(complete, told)).startswith("trial 0, the first guess, is still the best; 1 of 2")
