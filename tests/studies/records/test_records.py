import json
from datetime import datetime, timedelta
from typing import Any

import optuna
import pytest
from hpo.errors import StudyError
from hpo.studies import attributes
from hpo.studies.home import Home
from hpo.studies.records.lookup import newest_study, study_names
from hpo.studies.records.summarise import list_studies, summarise
from hpo.studies.store.storage import open_storage
from optuna.distributions import FloatDistribution
from optuna.trial import FrozenTrial, TrialState, create_trial

NOON = datetime(2026, 1, 1, 12)


def trial(state: TrialState, start_s: float, end_s: float | None, **facts: Any) -> FrozenTrial:
    """A trial of hpo's that ran from `start_s` to `end_s` seconds after noon."""
    facts["user_attrs"] = {attributes.CONFIG: "{}", **facts.get("user_attrs", {})}
    made = create_trial(
        state=state,
        params={"optimizer.lr": 0.1},
        distributions={"optimizer.lr": FloatDistribution(0.01, 1)},
        **facts,
    )
    made.datetime_start = NOON + timedelta(seconds=start_s)
    made.datetime_complete = None if end_s is None else NOON + timedelta(seconds=end_s)
    return made


def study_of(home: Home, *trials: FrozenTrial, name: str = "digits", direction: str = "maximize") -> optuna.Study:
    study = optuna.create_study(study_name=name, storage=open_storage(home.storage_url), direction=direction)
    study.set_user_attr(attributes.OBJECTIVE_METRIC, "val_accuracy")
    study.add_trials(trials)
    return study


@pytest.mark.parametrize(
    ("metric", "images", "interval"),
    [
        ("val_accuracy", 32, (0.3645, 0.6913)),  # 17 of 32
        ("val_top5_accuracy", 32, (0.3645, 0.6913)),
        ("val_accuracy", None, None),  # a study of an older version
        ("val_loss", 32, None),
        ("val_balanced_accuracy", 32, None),  # of unknown width: classes differ
    ],
)
def test_the_best_value_has_an_interval_where_it_is_a_share(
    home: Home, metric: str, images: int | None, interval: tuple[float, float] | None
) -> None:
    study = study_of(home, trial(TrialState.COMPLETE, 0, 10, value=17 / 32))
    study.set_user_attr(attributes.OBJECTIVE_METRIC, metric)
    if images is not None:
        study.set_user_attr(attributes.VAL_IMAGES, images)
    summary = summarise(study._storage, "digits")
    assert summary.best_interval == (None if interval is None else pytest.approx(interval, abs=1e-4))
    assert summary.to_json()["best"]["interval"] == summary.best_interval


def test_a_study_is_summed_up(home: Home) -> None:
    study = study_of(
        home,
        trial(TrialState.COMPLETE, 0, 10, value=0.8, intermediate_values={1: 0.7, 2: 0.8}),
        trial(TrialState.COMPLETE, 0, 20, value=0.9, user_attrs={attributes.BEST_EPOCH: 2, attributes.ATTEMPTS: 1}),
        trial(TrialState.COMPLETE, 0, 20, value=0.9),
        trial(TrialState.PRUNED, 10, 15, value=0.99),
        trial(TrialState.RUNNING, 15, None),
        create_trial(state=TrialState.WAITING),
    )
    summary = summarise(study._storage, "digits")
    assert summary.to_json() == {
        "study": "digits",
        "direction": "maximize",
        "metric": "val_accuracy",
        "at": "",
        "objectives": [{"metric": "val_accuracy", "direction": "maximize"}],
        "strategy": None,
        "sampler": None,
        "pruner": None,
        "trials": {"complete": 3, "pruned": 1, "failed": 0, "running": 1, "waiting": 1},
        "epochs_total": 2,
        "rungs": [],
        "audit": None,
        "best": {"number": 1, "value": 0.9, "interval": None, "params": {"optimizer.lr": 0.1}},
        "front": [],
        "furthest": None,
        "passed_over": [],
        "wall_s": 20.0,
        "failures": {},
        "explanations": {},
        "edges": [],
        "verdicts": {},
    }
    assert summary.trials[0].curve == {1: 0.7, 2: 0.8}
    assert summary.trials[0].epochs == 2
    assert (summary.trials[1].best_epoch, summary.trials[1].attempts) == (2, 1)
    json.dumps([record.to_json() for record in summary.trials], allow_nan=False)


def test_the_best_of_a_minimised_study_is_its_smallest_complete_value(home: Home) -> None:
    trials = [trial(TrialState.COMPLETE, 0, 1, value=v) for v in (0.5, 0.2, 0.3)]
    study = study_of(home, *trials, trial(TrialState.PRUNED, 0, 1, value=0.1), direction="minimize")
    best = summarise(study._storage, "digits").best
    assert best is not None
    assert best.number == 1


@pytest.mark.parametrize(("direction", "sign"), [("maximize", 1), ("minimize", -1)])
def test_the_best_is_one_that_hpo_ran_and_better_ones_are_named(home: Home, direction: str, sign: int) -> None:
    theirs = [create_trial(value=sign * value) for value in (0.99, 0.3, 0.95, 0.97, 0.96)]
    ours = [trial(TrialState.COMPLETE, 0, 1, value=sign * value) for value in (0.5, 0.9)]
    summary = summarise(study_of(home, *theirs, *ours, direction=direction)._storage, "digits")
    assert summary.best is not None
    assert summary.best.number == 6
    assert summary.to_json()["passed_over"] == [0, 3, 4, 2]
    best, second, third = (f"{sign * value:.4f}" for value in (0.99, 0.97, 0.96))
    line = f"passed over, not run by hpo: trial 0 ({best}), 3 ({second}), 4 ({third}), 1 more"
    assert summary.passed_over_line == line


def test_a_study_of_another_program_has_trials_and_no_best(home: Home) -> None:
    summary = summarise(
        study_of(home, create_trial(value=0.5), create_trial(state=TrialState.WAITING))._storage, "digits"
    )
    assert summary.best is None
    assert [item.number for item in summary.passed_over] == [0]
    assert [item.is_foreign for item in summary.trials] == [True, False]


@pytest.mark.parametrize(
    "config", ["", "{}", "[]", "{", '{"precision": "fp32", "compile": "on"}', '{"precision": null}']
)
def test_a_configuration_of_another_version_is_shown_without_its_numerics(home: Home, config: str) -> None:
    study = study_of(home, trial(TrialState.COMPLETE, 0, 1, value=1, user_attrs={attributes.CONFIG: config}))
    (record,) = summarise(study._storage, "digits").trials
    assert record.numerics == {}
    assert record.to_json()["value"] == 1


@pytest.mark.parametrize("value", ["a word", 5, -1.5, True, None, ["a"], {"a": 1}])
def test_attributes_of_another_program_under_our_names_break_nothing(home: Home, value: Any) -> None:
    names = ("status", "message", "error", "best_epoch", "metrics", "attempts", "verdict", "duration_s", "lr_factors")
    theirs = create_trial(value=0.5, user_attrs=dict.fromkeys((*names, "model_source"), value))
    theirs.user_attrs["config"] = {"lr": 0.1}
    summary = summarise(study_of(home, theirs)._storage, "digits")
    assert (summary.best, [item.number for item in summary.passed_over]) == (None, [0])
    assert isinstance(summary.verdicts(), dict)
    json.dumps(summary.trials[0].to_json())


def test_an_empty_study_has_no_best_and_no_time(home: Home) -> None:
    summary = summarise(study_of(home)._storage, "digits")
    assert (summary.best, summary.wall_s, summary.to_json()["best"]) == (None, 0.0, None)


@pytest.mark.parametrize(
    ("spans", "wall_s"),
    [
        ([(0, 10), (5, 20)], 20),  # side by side
        ([(0, 10), (40, 50)], 50),  # a short pause is part of the work
        ([(0, 10), (5000, 5010)], 20),  # two separate runs
        ([(0, 100), (10, 20), (5000, 5010)], 110),  # the pause counts from the last end, not the last start
    ],
)
def test_wall_time_leaves_out_what_lies_between_runs(
    home: Home, spans: list[tuple[float, float]], wall_s: float
) -> None:
    study = study_of(home, *(trial(TrialState.COMPLETE, start, end, value=1) for start, end in spans))
    assert summarise(study._storage, "digits").wall_s == wall_s


def test_failures_are_grouped_by_cause_the_most_frequent_first(home: Home) -> None:
    noted = [
        {attributes.ERROR: "KeyError: 'x'"},
        {attributes.STATUS: "out_of_memory", attributes.MESSAGE: "12 GiB wanted"},
        {attributes.STATUS: "out_of_memory", attributes.MESSAGE: "13 GiB wanted"},
        {attributes.STATUS: "stopped"},
        {},
    ]
    states = [TrialState.FAIL, TrialState.PRUNED, TrialState.PRUNED, TrialState.PRUNED, TrialState.FAIL]
    trials = [
        trial(s, 0, 1, user_attrs=n, **({} if s == TrialState.FAIL else {"value": 0.1}))
        for s, n in zip(states, noted, strict=True)
    ]
    failures = summarise(study_of(home, *trials)._storage, "digits").failures
    assert list(failures.items()) == [("out_of_memory", (1, 2)), ("KeyError: 'x'", (0,)), ("unknown", (4,))]


def test_an_unknown_study_names_the_near_ones(home: Home) -> None:
    storage = study_of(home)._storage
    with pytest.raises(StudyError, match="did you mean digits"):
        summarise(storage, "digit")


def test_an_unknown_trial_is_refused_with_what_there_is(home: Home) -> None:
    summary = summarise(study_of(home, trial(TrialState.COMPLETE, 0, 1, value=1))._storage, "digits")
    assert summary.trial(0).value == 1
    with pytest.raises(StudyError, match="trials 0 to 0, got 7"):
        summary.trial(7)


def test_the_newest_study_is_the_one_worked_on_last_not_the_one_made_last(home: Home) -> None:
    study_of(home, trial(TrialState.COMPLETE, 100, 110, value=1), name="old")
    storage = study_of(home, trial(TrialState.COMPLETE, 0, 10, value=1), name="new")._storage
    study_of(home, name="empty")
    assert newest_study(storage) == "old"
    assert study_names(storage) == ("old", "new", "empty")
    assert [summary.study for summary in list_studies(storage)] == ["old", "new", "empty"]


def test_a_store_without_studies_says_how_to_start_one(home: Home) -> None:
    storage = open_storage(home.storage_url)
    with pytest.raises(StudyError, match="hpo run"):
        newest_study(storage)
    with pytest.raises(StudyError, match="no study has been run"):
        summarise(storage, "digits")
