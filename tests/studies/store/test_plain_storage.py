"""The store in plain SQL against Optuna's own on the same database: both must see the same, and refuse the same."""

import math
import random
from collections.abc import Iterable

import optuna
import pytest
from hpo.studies.home import Home
from hpo.studies.store.plain_storage import PlainStorage
from hpo.studies.store.storage import open_storage
from optuna.exceptions import StorageInternalError
from optuna.trial import FrozenTrial, TrialState

STATES = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)


@pytest.fixture(params=["sqlite", "postgres", "maria"])
def storage(request: pytest.FixtureRequest, home: Home) -> optuna.storages.RDBStorage:
    is_file = request.param == "sqlite"
    storage = open_storage(home.storage_url if is_file else request.getfixturevalue(request.param).emptied())
    assert isinstance(storage, PlainStorage)
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


def told(trials: Iterable[FrozenTrial]) -> list[str]:
    """All that is known of trials; in no order where a server has none. As text: a NaN equals no other."""
    return [
        repr({name: sorted(value.items()) if isinstance(value, dict) else value for name, value in vars(trial).items()})
        for trial in trials
    ]


def test_both_read_the_same_trials(storage: optuna.storages.RDBStorage) -> None:
    chance = random.Random(0)
    for name in ("a", "b"):
        study = optuna.create_study(study_name=name, storage=storage)
        study.enqueue_trial({"lr": 0.1})
        study.add_trial(optuna.trial.create_trial(values=[math.inf]))
        for _ in range(15):
            run_trial(study, chance)
    stock = optuna.storages.RDBStorage(storage.url)
    for name in ("a", "b"):
        study_id = stock.get_study_id_from_name(name)
        ours, theirs = storage.get_all_trials(study_id), stock.get_all_trials(study_id)
        assert len(theirs) == 16
        assert told(ours) == told(theirs)
        assert told(storage.get_trial(trial._trial_id) for trial in theirs) == told(theirs)
        for states in ((TrialState.RUNNING,), STATES, ()):
            some = storage.get_all_trials(study_id, states=states)
            assert told(some) == told(stock.get_all_trials(study_id, states=states))


def test_the_part_that_optunas_cache_asks_for_is_the_same(storage: optuna.storages.RDBStorage) -> None:
    study = optuna.create_study(study_name="a", storage=storage)
    for _ in range(6):
        run_trial(study, random.Random(1))
    stock = optuna.storages.RDBStorage(storage.url)
    first = study.trials[0]._trial_id - 1
    for numbers, number in ((set[int](), -1), ({1, 3, 6}, 4), (set[int](), 2), ({2}, 6)):
        included, above = {first + each for each in numbers}, first + number
        ours = storage._get_trials(study._study_id, None, included, above)
        assert told(ours) == told(stock._get_trials(study._study_id, None, included, above))


def test_a_missing_trial_or_study_is_a_key_error_as_in_optuna(storage: optuna.storages.RDBStorage) -> None:
    with pytest.raises(KeyError):
        storage.get_trial(99)
    with pytest.raises(KeyError):
        storage.get_all_trials(99)


def test_a_broken_file_is_reported_as_optuna_reports_it(home: Home) -> None:
    storage = open_storage(home.storage_url)
    trial = optuna.create_study(storage=storage).ask()
    with storage.engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE trial_intermediate_values")
    with pytest.raises(StorageInternalError, match="no such table"):
        storage.get_trial(trial._trial_id)
