"""The order of all trials of a study: each is compared with others at an epoch that both have."""

import math

from hpo.studies import attributes
from hpo.studies.records.summarise import summarise
from optuna.trial import FrozenTrial

from .rung_study import climbed, rung_study


def order(*trials: FrozenTrial, direction: str = "maximize") -> list[int]:
    summary = summarise(rung_study(*trials, direction=direction)._storage, "s")
    return [trial.number for trial in summary.best_first()]


def test_complete_ones_are_ordered_by_value() -> None:
    trials = [climbed("COMPLETE", 0.9, 0.4), climbed("COMPLETE", 0.1, 0.6), climbed("COMPLETE", 0.5, 0.5)]
    assert order(*trials) == [1, 2, 0]
    assert order(*trials, direction="minimize") == [0, 2, 1]


def test_one_that_was_stopped_stands_behind_those_that_were_as_good_then_and_went_on() -> None:
    first = climbed("COMPLETE", 0.1, 0.2, 0.3)  # a pruner lets the first run to their end, whatever they are worth
    good = climbed("COMPLETE", 0.6, 0.7, 0.8)
    assert order(first, good, climbed("PRUNED", 0.4)) == [1, 2, 0]
    assert order(first, good, climbed("PRUNED", 0.1)) == [1, 0, 2]
    others = climbed("PRUNED", 0.4), climbed("PRUNED", 0.3, 0.5), climbed("PRUNED", 0.2)
    assert order(first, good, *others) == [1, 2, 3, 4, 0]


def test_at_rungs_those_that_went_on_are_ahead_of_those_that_wait() -> None:
    trials = [
        climbed("RUNNING", 0.3, rung=0),
        climbed("RUNNING", 0.4, 0.5, 0.6, 0.7, rung=1),
        climbed("COMPLETE", 0.5, 0.6, 0.6, 0.8, 0.9),
        climbed("RUNNING", 0.1, rung=0),
    ]
    assert order(*trials) == [2, 1, 0, 3]


def test_what_diverged_is_last_and_what_broke_or_runs_is_left_out() -> None:
    trials = [
        climbed("PRUNED", 0.9, status="diverged"),
        climbed("FAIL", 0.9),
        climbed("RUNNING", 0.9),
        climbed("WAITING"),
        climbed("PRUNED", math.nan),
        climbed("PRUNED", 0.2),
    ]
    assert order(*trials) == [5, 4, 0]


def test_a_complete_trial_of_another_program_need_not_have_a_curve() -> None:
    foreign = climbed("COMPLETE", 0.5)
    foreign.intermediate_values = {}
    assert order(foreign, climbed("PRUNED", 0.9), climbed("PRUNED")) == [0, 1, 2]


def test_an_extension_is_none_of_them_as_its_configuration_is() -> None:
    extension = climbed("COMPLETE", 0.9, 0.9, **{attributes.ORIGIN: {"extends": {"trial": 0, "epochs": 16}}})
    assert order(climbed("COMPLETE", 0.5), extension, climbed("COMPLETE", 0.6)) == [2, 0]
