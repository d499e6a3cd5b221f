"""How much a dimension decides: as Optuna's PED-ANOVA, less chance, with intervals that hold."""

import random
from collections.abc import Mapping
from typing import Any

import numpy as np
import optuna
import pytest
from hpo.studies.records.importance import _Explains, explained
from hpo.studies.records.parzen import Grid
from hpo.studies.records.resamples import best_count, resamples_of
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.importance import PedAnovaImportanceEvaluator
from optuna.trial import create_trial

FLOAT = {"type": "float", "low": 0.0, "high": 1.0, "log": False, "step": None}
ENTRIES: Mapping[str, tuple[BaseDistribution, dict[str, Any]]] = {
    "linear": (FloatDistribution(0, 1), FLOAT),
    "log": (FloatDistribution(1e-4, 1, log=True), FLOAT | {"low": 1e-4, "log": True}),
    "step": (FloatDistribution(0, 1, step=0.25), FLOAT | {"step": 0.25}),
    "int": (IntDistribution(8, 64, step=8), {"type": "int", "low": 8, "high": 64, "log": False, "step": 8}),
    "log int": (IntDistribution(1, 300, log=True), {"type": "int", "low": 1, "high": 300, "log": True, "step": 1}),
    "choice": (CategoricalDistribution(["a", 2, True, None]), {"type": "choice", "choices": ["a", 2, True, None]}),
}
"""Dimensions as Optuna and as a study's canonical space have them."""


def optunas(key: str, values: list[Any]) -> float:
    """The importance by Optuna of a dimension with these values, the best trial first, not brought to a sum of 1."""
    distribution = ENTRIES[key][0]
    study = optuna.create_study()
    study.add_trials(
        [create_trial(params={key: v}, distributions={key: distribution}, value=n) for n, v in enumerate(values)]
    )
    quantile = best_count(len(values)) / len(values)
    return PedAnovaImportanceEvaluator(target_quantile=quantile).evaluate(study)[key]


@pytest.mark.parametrize("count", [20, 47, 250])
@pytest.mark.parametrize("key", ENTRIES)
def test_it_is_optunas_where_that_applies(key: str, count: int) -> None:
    distribution, entry = ENTRIES[key]
    order, sampler, study = random.Random(count), optuna.samplers.RandomSampler(seed=count), optuna.create_study()
    frozen = create_trial(value=0.0)
    values = [sampler.sample_independent(study, frozen, key, distribution) for _ in range(count)]
    values.sort(key=lambda value: (str(value), order.random()))  # the best are not like the others
    grid = Grid(entry)
    cells = np.array([grid.cell(value) for value in values])
    share = float(_Explains(grid, cells).share(resamples_of(count).once)[0])
    quantile = best_count(count) / count
    assert share * quantile * (1 - quantile) == pytest.approx(optunas(key, values), rel=1e-6)
    assert share > 0


def drawn(seed: int, count: int, weight: float) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Cells of random trials, the best first, of a dimension that decides as `weight` says, 0 for nothing."""
    random = np.random.default_rng(seed)
    values = random.random((count, 2))
    losses = weight * (values[:, 0] - 0.3) ** 2 + (values[:, 1] - 0.6) ** 2
    grid = Grid(FLOAT)
    return np.array([grid.cell(value) for value in values[np.argsort(losses), 0].tolist()])


def test_it_is_nothing_where_chance_gives_as_much_and_more_the_more_a_dimension_decides() -> None:
    means = [
        np.mean([explained(Grid(FLOAT), drawn(seed, 60, weight))[0] for seed in range(20)]) for weight in (0.0, 0.5, 4)
    ]
    assert means[0] < 0.02
    assert means[0] + 0.02 < means[1] < means[2] - 0.1


@pytest.mark.parametrize("count", [20, 60, 200])
def test_the_interval_of_a_dimension_that_decides_nothing_begins_at_nothing(count: int) -> None:
    lows = [explained(Grid(FLOAT), drawn(seed, count, 0.0))[1] for seed in range(40)]
    assert sum(low > 0 for low in lows) <= 2


def test_the_interval_has_the_value_that_many_more_trials_give() -> None:
    truth = np.mean([explained(Grid(FLOAT), drawn(seed, 1000, 4.0))[0] for seed in range(100, 105)])
    intervals = [explained(Grid(FLOAT), drawn(seed, 200, 4.0)) for seed in range(40)]
    assert sum(low <= truth <= high for _, low, high in intervals) >= 34
    assert all(low <= value <= high for value, low, high in intervals)


def test_more_trials_make_it_narrower() -> None:
    few, many = ([explained(Grid(FLOAT), drawn(seed, count, 4.0)) for seed in range(10)] for count in (100, 1000))
    assert 2 * np.mean([high - low for _, low, high in many]) < np.mean([high - low for _, low, high in few])


def test_a_value_that_the_dimension_does_not_have_is_in_no_cell() -> None:
    log = Grid(ENTRIES["log"][1])
    assert [log.cell(value) for value in (1e-5, 2.0, 0.0, -1.0, "0.1", True, None)] == [None] * 7
    assert (log.cell(1e-4), log.cell(1)) == (0, 49)
    choice = Grid(ENTRIES["choice"][1])
    assert [choice.cell(value) for value in ("a", 2, True, None, 1, "b", 2.0)] == [0, 1, 2, 3, None, None, 1]
