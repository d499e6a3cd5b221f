"""The store in plain SQL against Optuna's own on the same file: both must see the same, and refuse the same."""

import math
import random
from collections.abc import Callable
from typing import Any

import optuna
import pytest
from hpo.studies.home import Home
from hpo.studies.store.sqlite_storage import SqliteStorage
from hpo.studies.store.storage import open_storage
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.exceptions import StorageInternalError, UpdateFinishedTrialError
from optuna.trial import TrialState

LR = FloatDistribution(1e-4, 1, log=True)
STATES = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)


@pytest.fixture
def storage(home: Home) -> optuna.storages.RDBStorage:
    storage = open_storage(home.storage_url)
    assert isinstance(storage, SqliteStorage)
    return storage


def run_trial(study: optuna.Study, chance: random.Random) -> None:
    """A trial with every kind of parameter, some facts and some odd numbers, left in any state."""
    trial = study.ask()
    trial.suggest_float("lr", 1e-4, 1, log=True)
    trial.suggest_int("depth", 10, 34, step=4)
    trial.suggest_categorical("name", ["sgd", None, 3, True])
    for epoch in range(chance.randrange(6)):
        trial.report(chance.choice([0.5, 1, math.nan, math.inf, -math.inf, 1e-320, chance.random()]), epoch)
    trial.set_user_attr("metrics", {"ü": [1, 2.5, None]})
    trial.set_user_attr("metrics", {"again": chance.random()})
    if chance.random() < 0.3:
        trial.set_constraint("usable", 1.0)
    if chance.random() < 0.8:
        study.tell(trial, None if (state := chance.choice(STATES)) != TrialState.COMPLETE else 0.5, state=state)


def test_both_read_the_same_trials(storage: optuna.storages.RDBStorage, home: Home) -> None:
    chance = random.Random(0)
    for name in ("a", "b"):
        study = optuna.create_study(study_name=name, storage=storage)
        study.enqueue_trial({"lr": 0.1})
        study.add_trial(optuna.trial.create_trial(values=[math.inf]))
        for _ in range(15):
            run_trial(study, chance)
    stock = optuna.storages.RDBStorage(home.storage_url)
    for name in ("a", "b"):
        study_id = stock.get_study_id_from_name(name)
        ours, theirs = storage.get_all_trials(study_id), stock.get_all_trials(study_id)
        assert len(theirs) == 16
        assert list(map(repr, ours)) == list(map(repr, theirs))  # repr: a NaN equals no other
        assert [repr(storage.get_trial(trial._trial_id)) for trial in theirs] == list(map(repr, theirs))
        for states in ((TrialState.RUNNING,), STATES, ()):
            some = storage.get_all_trials(study_id, states=states)
            assert list(map(repr, some)) == list(map(repr, stock.get_all_trials(study_id, states=states)))


def test_the_part_that_optunas_cache_asks_for_is_the_same(storage: optuna.storages.RDBStorage, home: Home) -> None:
    study = optuna.create_study(study_name="a", storage=storage)
    for _ in range(6):
        run_trial(study, random.Random(1))
    stock = optuna.storages.RDBStorage(home.storage_url)
    for included, above in ((set[int](), -1), ({1, 3, 6}, 4), (set[int](), 2), ({2}, 6)):
        ours = storage._get_trials(study._study_id, None, included, above)
        assert list(map(repr, ours)) == list(map(repr, stock._get_trials(study._study_id, None, included, above)))


@pytest.mark.parametrize(
    "write",
    [
        lambda storage, trial_id: storage.set_trial_intermediate_value(trial_id, 1, 0.5),
        lambda storage, trial_id: storage.set_trial_user_attr(trial_id, "key", "value"),
        lambda storage, trial_id: storage.set_trial_param(trial_id, "lr", 0.5, LR),
    ],
)
def test_a_finished_and_a_missing_trial_are_refused(
    storage: optuna.storages.RDBStorage, write: Callable[[Any, int], None]
) -> None:
    study = optuna.create_study(storage=storage)
    study.add_trial(optuna.trial.create_trial(value=1))
    with pytest.raises(UpdateFinishedTrialError):
        write(storage, study.trials[0]._trial_id)
    with pytest.raises(KeyError):
        write(storage, 99)
    assert study.trials[0].intermediate_values == {}
    assert study.trials[0].user_attrs == {}


def test_a_missing_trial_or_study_is_a_key_error_as_in_optuna(storage: optuna.storages.RDBStorage) -> None:
    with pytest.raises(KeyError):
        storage.get_trial(99)
    with pytest.raises(KeyError):
        storage.get_all_trials(99)


def test_a_value_written_twice_is_the_last_one(storage: optuna.storages.RDBStorage) -> None:
    trial = optuna.create_study(storage=storage).ask()
    for value in (0.5, math.nan, 0.25):
        storage.set_trial_intermediate_value(trial._trial_id, 1, value)
    assert storage.get_trial(trial._trial_id).intermediate_values == {1: 0.25}


def test_a_broken_file_is_reported_as_optuna_reports_it(storage: optuna.storages.RDBStorage, home: Home) -> None:
    trial = optuna.create_study(storage=storage).ask()
    with storage.engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE trial_intermediate_values")
    with pytest.raises(optuna.exceptions.StorageInternalError, match="no such table"):
        storage.set_trial_intermediate_value(trial._trial_id, 1, 0.5)


@pytest.mark.parametrize(
    "other", [IntDistribution(1, 4), CategoricalDistribution([1, 2]), FloatDistribution(0.5, 2, log=True)]
)
def test_a_parameter_of_another_kind_is_refused_and_another_range_is_not(
    storage: optuna.storages.RDBStorage, home: Home, other: BaseDistribution
) -> None:
    stock = optuna.storages.RDBStorage(home.storage_url)
    study = optuna.create_study(study_name="a", storage=storage)
    study.ask().suggest_float("lr", 1e-4, 1, log=True)
    outcomes = []
    for store in (storage, stock):
        try:
            store.set_trial_param(study.ask()._trial_id, "lr", 1, other)
            outcomes.append("taken")
        except ValueError as error:
            outcomes.append(str(error))
    assert outcomes[0] == outcomes[1]
    assert (outcomes[0] == "taken") == isinstance(other, FloatDistribution)


def test_a_parameter_is_written_once(storage: optuna.storages.RDBStorage) -> None:
    trial_id = optuna.create_study(storage=storage).ask()._trial_id
    storage.set_trial_param(trial_id, "lr", 0.5, LR)
    with pytest.raises(StorageInternalError):
        storage.set_trial_param(trial_id, "lr", 0.25, LR)
    assert storage.get_trial(trial_id).params == {"lr": 0.5}
