"""A study of several objectives as a record: its front, its knee, ranks at rungs, what breaks a limit."""

import json
from typing import Any

import optuna
import pytest
from hpo.studies import attributes
from hpo.studies.home import Home
from hpo.studies.records.others import others_at, with_epochs
from hpo.studies.records.strategy import StrategyRecord
from hpo.studies.records.study import StudySummary
from hpo.studies.records.summarise import summarise
from hpo.studies.store.storage import open_storage
from optuna.trial import FrozenTrial, TrialState, create_trial

OBJECTIVES = [["val_accuracy", "maximize"], ["onnx_latency_ms", "minimize"]]


def trial(values: list[float] | None, state: TrialState = TrialState.COMPLETE, **facts: Any) -> FrozenTrial:
    facts["user_attrs"] = {attributes.CONFIG: "{}", **facts.get("user_attrs", {})}
    return create_trial(state=state, values=values, **facts)


def summary_of(home: Home, *trials: FrozenTrial, named: bool = True, rungs: tuple[int, ...] = ()) -> StudySummary:
    directions = [direction for _, direction in OBJECTIVES]
    study = optuna.create_study(study_name="two", storage=open_storage(home.storage_url), directions=directions)
    if named:
        study.set_user_attr(attributes.OBJECTIVE_METRIC, "val_accuracy")
        study.set_user_attr(attributes.OBJECTIVES, json.dumps(OBJECTIVES))
    study.set_user_attr(attributes.STRATEGY, StrategyRecord("rungs", rungs=rungs).to_attribute())
    study.add_trials(trials)
    return summarise(study._storage, "two")


def test_the_front_and_its_knee(home: Home) -> None:
    ends = [[0.9, 9.0], [0.85, 2.0], [0.8, 3.0], [0.5, 1.0]]
    foreign = create_trial(state=TrialState.COMPLETE, values=[0.99, 0.1])
    broken = trial([0.99, 0.2], constraints={"params_m": 0.3, "onnx_mb": 0.5, "val_ece": -1.0})
    summary = summary_of(home, *map(trial, ends), foreign, broken)
    assert [each.number for each in summary.front] == [0, 1, 3]
    assert summary.best is not None
    assert summary.best.number == 1
    assert [each.number for each in summary.own_best(4)] == [1, 0, 3, 2]
    assert summary.failures == {"breaks onnx_mb, params_m": (5,)}
    shown = summary.to_json()
    assert shown["objectives"] == [{"metric": metric, "direction": direction} for metric, direction in OBJECTIVES]
    assert [(each["number"], each["values"]) for each in shown["front"]] == [(n, ends[n]) for n in (0, 1, 3)]
    assert summary.record_to_json(summary.trials[1])["values"] == [0.85, 2.0]


def test_ranks_at_a_rung_are_those_of_its_own_epoch(home: Home) -> None:
    def stopped(value: float, others: dict[str, list[float]], epochs: int = 1) -> FrozenTrial:
        curve = dict.fromkeys(range(1, epochs + 1), value)
        noted = {attributes.OTHERS: others}
        return trial(None, TrialState.PRUNED, intermediate_values=curve, user_attrs=noted)

    summary = summary_of(
        home,
        stopped(0.5, {"1": [5.0]}),
        stopped(0.4, {"1": [6.0], "2": [0.1]}, epochs=2),
        stopped(0.3, {"1": [1.0]}),
        create_trial(state=TrialState.PRUNED, intermediate_values={1: 0.9}),  # whose further values nobody knows
        rungs=(1,),
    )
    assert summary.rungs[0].ranks == {2: 1, 3: 2, 0: 3, 1: 4}
    assert summary.trials[1].values == (0.4, 0.1)
    assert summary.front == ()
    assert summary.best is None


def test_a_study_of_another_program_has_numbers_for_names(home: Home) -> None:
    summary = summary_of(home, create_trial(state=TrialState.COMPLETE, values=[0.9, 1.0]), named=False)
    assert summary.objectives == (("value", "maximize"), ("value 1", "minimize"))
    assert summary.front == ()
    assert [each.number for each in summary.passed_over] == [0]


@pytest.mark.parametrize("kept", [None, "text", {"x": [1]}, {"1": "no"}, {"1": ["a"]}, {}])
def test_what_somebody_else_wrote_there_is_not_known(kept: Any) -> None:
    assert others_at(kept, 3) == ()


def test_an_epoch_is_kept_where_it_differs() -> None:
    kept = with_epochs({}, [(1, (2.0,)), (2, (2.0,)), (3, (1.0,))])
    assert kept == {"1": [2.0], "3": [1.0]}
    assert [others_at(kept, epoch) for epoch in (0, 1, 2, 3, 9)] == [(), (2.0,), (2.0,), (1.0,), (1.0,)]
