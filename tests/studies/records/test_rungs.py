"""Studies whose trials pause at rungs, as they are read."""

import json
import math
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import optuna
import pytest
from hpo.studies import attributes
from hpo.studies.records.rungs import Standing
from hpo.studies.records.strategy import StrategyRecord
from hpo.studies.records.study import StudySummary
from hpo.studies.records.summarise import summarise
from optuna.trial import FrozenTrial

from .rung_study import STRATEGY, climbed, five, rung_study

NOON = datetime(2026, 1, 1, 12)


def summed(*trials: FrozenTrial, **how: Any) -> StudySummary:
    return summarise(rung_study(*trials, **how)._storage, "s")


def test_rungs_tell_who_reached_them_and_who_went_on() -> None:
    told = summed(*five()).to_json()
    assert told["rungs"] == [
        {"epoch": 1, "reached": 5, "promoted": 3},
        {"epoch": 4, "reached": 3, "promoted": 2},
    ]
    assert (told["strategy"], told["sampler"], told["pruner"]) == ("rungs", "forest", "")
    assert told["epochs_total"] == 5 + 1 + 4 + 1 + 4
    assert told["trials"]["paused"] == 3
    json.dumps(told, allow_nan=False)


def test_a_paused_trial_stands_somewhere_at_its_rung() -> None:
    summary = summed(*five())
    standings = [summary.standing(trial) for trial in summary.trials]
    assert standings == [None, Standing(0, 1, 5, 5), Standing(1, 4, 3, 3), Standing(0, 1, 4, 5), None]
    shown = [record["standing"] for record in summary.records_to_json()]
    assert shown[2] == {"rung": 1, "epoch": 4, "rank": 3, "of": 3, "unit": "epoch"}
    assert shown[4] is None


@pytest.mark.parametrize(("direction", "order"), [("maximize", [2, 0, 3, 1, 4]), ("minimize", [1, 0, 3, 2, 4])])
def test_of_equals_the_older_stands_first_and_what_is_no_number_last(direction: str, order: list[int]) -> None:
    values = (0.5, 0.2, 0.9, 0.5, math.nan)
    (rung,) = summed(*(climbed("RUNNING", value, rung=0) for value in values),
                     strategy=StrategyRecord("rungs", rungs=(1,)), direction=direction).rungs  # fmt: skip
    assert list(rung.ranks) == order


def test_one_that_is_decided_to_pause_has_not_gone_on() -> None:
    decided = climbed("RUNNING", 0.5, **{attributes.DECISION: {"pause": 1, "rung": 0}})
    goes_on, put_back = climbed("RUNNING", 0.5), climbed("WAITING", 0.5)
    ended = climbed("PRUNED", 0.1, **{attributes.PAUSED: {"rung": 0}})
    summary = summed(decided, goes_on, put_back, ended)
    assert summary.rungs[0].promoted == {1, 2}
    assert [(trial.state, trial.rung) for trial in summary.trials] == [
        ("running", 0), ("running", None), ("waiting", None), ("pruned", None)
    ]  # fmt: skip


@pytest.mark.parametrize("kept", [None, "x", "[]", "{}", '{"strategy": "s"}', 5, {"strategy": "rungs"}])
def test_a_study_without_a_strategy_of_ours_has_no_rungs(kept: Any) -> None:
    study = rung_study(climbed("COMPLETE", 0.5), climbed("RUNNING", 0.5, rung=0), strategy=None)
    if kept is not None:
        study.set_user_attr(attributes.STRATEGY, kept)
    summary = summarise(study._storage, "s")
    assert (summary.strategy, summary.rungs) == (None, ())
    assert (summary.to_json()["strategy"], summary.to_json()["rungs"]) == (None, [])
    assert summary.standing(summary.trials[1]) is None


def test_a_strategy_comes_back_from_its_attribute() -> None:
    for strategy in (STRATEGY, StrategyRecord("pruning", "tpe", "median")):
        assert StrategyRecord.from_attributes({attributes.STRATEGY: strategy.to_attribute()}) == strategy


def test_the_one_share_that_an_older_version_kept_is_that_of_every_rung() -> None:
    kept = {"strategy": "rungs", "sampler": "forest", "pruner": "", "eta": 4, "rungs": [1, 4], "picked": False}
    assert StrategyRecord.from_attributes({attributes.STRATEGY: json.dumps(kept)}) == STRATEGY
    none_fixed = StrategyRecord.from_attributes({attributes.STRATEGY: json.dumps(kept | {"eta": None})})
    assert none_fixed == replace(STRATEGY, one_in=())


def test_the_furthest_stands_in_for_a_best_trial() -> None:
    trials = [climbed("RUNNING", 0.9, rung=0), climbed("RUNNING", 0.5, 0.5, 0.5, 0.6, rung=1),
              climbed("WAITING", 0.5, 0.5, 0.5, 0.7, 0.1)]  # fmt: skip
    found = summed(*trials).furthest
    assert found is not None
    assert found.words == "no trial has run to its end; trial 2 is the best of the 2 that reached epoch 4"
    assert found.to_json() == {"number": 2, "value": 0.7, "epoch": 4, "of": 2, "params": {}}
    (lone,) = [summed(trials[0]).furthest]
    assert lone is not None
    assert lone.words == "no trial has run to its end; trial 0 is the only one that reached epoch 1"
    assert summed(*trials, climbed("COMPLETE", 0.1)).furthest is None


@pytest.mark.parametrize("notes", [{attributes.CONFIG: ""}, {attributes.STATUS: "diverged"}])
def test_what_cannot_be_trained_again_is_not_the_furthest(notes: dict[str, Any]) -> None:
    summary = summed(climbed("PRUNED", 0.9, **notes), climbed("FAIL", 0.8), climbed("RUNNING", math.nan, rung=0))
    assert summary.furthest is None
    assert summary.to_json()["furthest"] is None


def test_a_pause_over_night_is_no_search() -> None:
    """Paused trials are RUNNING to Optuna all the time."""
    night = 40_000.0
    spans = [(0, None, "", 10.0), (2, None, "", None), (10, night + 30, "finished", 20.0), (5, night + 40, "", 4.0),
             (night, night + 30, "stopped", 30.0)]  # fmt: skip
    study = optuna.create_study(study_name="s")
    for start, end, status, trained in spans:
        paused = {"rung": 0} if end is None else None
        trial = climbed("RUNNING" if end is None else "PRUNED", 0.5, **{attributes.PAUSED: paused})
        trial.user_attrs |= {} if trained is None else {attributes.DURATION_S: trained}
        trial.user_attrs |= {attributes.STATUS: status} if status else {}
        trial.datetime_start = NOON + timedelta(seconds=start)
        trial.datetime_complete = None if end is None else NOON + timedelta(seconds=end)
        study.add_trial(trial)
    assert summarise(study._storage, "s").wall_s == 10 + 30
    assert summarise(study._storage, "s").trials[1].duration_s is None
