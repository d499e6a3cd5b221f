"""What is written row by row, as Optuna itself reads it."""

import math
from datetime import datetime, timedelta
from typing import Any

import optuna
import pytest
from hpo.studies.home import Home
from hpo.studies.store.storage import open_storage
from hpo.studies.store.transaction import transaction
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy.exc import IntegrityError

KINDS: dict[str, BaseDistribution] = {
    "lr": FloatDistribution(1e-4, 1, log=True),
    "depth": IntDistribution(10, 34, step=4),
    "name": CategoricalDistribution(["sgd", None, 3, True]),
}
ODD = (0.5, 1.0, math.nan, math.inf, -math.inf, 1e-320)


@pytest.fixture
def study(home: Home) -> optuna.Study:
    return optuna.create_study(study_name="a", storage=open_storage(home.storage_url))


def read(home: Home) -> list[FrozenTrial]:
    """The trials as Optuna's own store reads them; ours must agree."""
    stock, ours = optuna.storages.RDBStorage(home.storage_url), open_storage(home.storage_url)
    theirs = stock.get_all_trials(stock.get_study_id_from_name("a"))
    assert list(map(repr, theirs)) == list(map(repr, ours.get_all_trials(ours.get_study_id_from_name("a"))))
    return theirs


def test_optuna_reads_what_was_written(study: optuna.Study, home: Home) -> None:
    params = {"lr": 0.1, "depth": 14, "name": None}
    notes: dict[str, Any] = {"metrics": {"ü": [1, 2.5, None]}, "owner": None}
    epochs = dict(enumerate(ODD))
    with transaction(open_storage(home.storage_url).engine, study._study_id) as rows:
        trial_id = rows.create(0)
        rows.add_params(trial_id, params, KINDS)
        rows.add_epochs((trial_id, epoch, value) for epoch, value in epochs.items())
        for metrics in ("first", notes["metrics"]):
            rows.set_attributes(trial_id, {**notes, "metrics": metrics})
        rows.set_marks(trial_id, {"constraints:usable": 1.0})
    (trial,) = read(home)
    assert (trial.state, trial.params, trial.distributions) == (TrialState.RUNNING, params, KINDS)
    assert (trial.user_attrs, trial.system_attrs) == (notes, {"constraints:usable": 1.0})
    assert repr(trial.intermediate_values) == repr(epochs)


@pytest.mark.parametrize("value", [0.5, math.inf, -math.inf])
def test_optuna_reads_what_was_told(study: optuna.Study, home: Home, value: float) -> None:
    with transaction(open_storage(home.storage_url).engine, study._study_id) as rows:
        rows.tell(rows.create(0), TrialState.COMPLETE, [value])
    (trial,) = read(home)
    assert (trial.state, trial.value) == (TrialState.COMPLETE, value)
    assert trial.datetime_start is not None
    assert trial.datetime_complete is not None
    assert timedelta(0) <= datetime.now() - trial.datetime_complete < timedelta(minutes=1)
    assert timedelta(0) <= trial.datetime_complete - trial.datetime_start < timedelta(minutes=1)


def test_what_breaks_a_transaction_takes_all_of_it_back(study: optuna.Study, home: Home) -> None:
    """A parameter is written once."""

    def write_twice() -> None:
        with transaction(open_storage(home.storage_url).engine, study._study_id) as rows:
            trial_id = rows.create(0)
            for lr in (0.5, 0.25):
                rows.add_params(trial_id, {"lr": lr}, KINDS)

    with pytest.raises(IntegrityError):
        write_twice()
    assert read(home) == []
