"""Forecasts: the strategy and the event loop in virtual time."""

import math

import pytest
from hpo.search.commands.plan import forecast as module
from hpo.search.commands.plan.forecast import Price, Prices, Searched, forecast
from hpo.search.configuration.search_settings import SearchSettings
from hpo.search.configuration.space_file import SpaceFile
from hpo.search.loop.goal import Goal
from hpo.spaces.load import load_space
from hpo.studies.store.storage import hush_optuna

NONE = SearchSettings("pruning", "random", "none")
PRICES = Prices([Price(4, 2.0)] * 8)


@pytest.fixture(autouse=True)
def _quiet() -> None:
    hush_optuna()


def searched(goal: Goal, settings: SearchSettings = NONE, *overrides: str) -> Searched:
    space = load_space("simple_cnn", SpaceFile, overrides)
    return Searched(space, settings, "maximize", 4, goal)


def test_without_a_pruner_it_is_a_product() -> None:
    ahead = forecast(searched(Goal(trials=6)), PRICES, 1.0, workers=1)
    assert ahead.epochs.median == 24
    assert ahead.seconds.median == pytest.approx(6 * (1 + 4 * 2.0))


def test_workers_share_the_trials() -> None:
    ahead = forecast(searched(Goal(trials=6)), PRICES, 1.0, workers=2)
    assert ahead.seconds.median == pytest.approx(3 * (1 + 4 * 2.0))


def test_a_pruner_saves_epochs_and_rungs_save_more() -> None:
    pruner, rungs = (
        forecast(searched(Goal(trials=20), settings), Prices([Price(9, 1.0)] * 8), 0.0, workers=1).epochs.median
        for settings in (SearchSettings("pruning", "tpe", "median"), SearchSettings("rungs", "forest"))
    )
    assert rungs < pruner < 180


def test_a_trial_that_goes_on_makes_ready_again() -> None:
    settings = SearchSettings("rungs", "forest")
    quick, slow = (forecast(searched(Goal(trials=20), settings), PRICES, start_s, 1) for start_s in (0.0, 10.0))
    assert slow.seconds.median - quick.seconds.median > 10.0 * 20


def test_a_deadline_or_a_number_of_epochs_ends_it() -> None:
    timed = forecast(searched(Goal(deadline=100.0)), PRICES, 0.0, workers=1)
    assert 10 <= timed.trials.median <= 14
    assert timed.seconds.median == pytest.approx(100.0, rel=0.1)
    counted = forecast(searched(Goal(epochs=10)), PRICES, 0.0, workers=1)
    assert counted.epochs.median == 10


def test_a_small_space_ends_it() -> None:
    one = (
        "model.dropout=0",
        "optimizer.lr=0.01",
        "optimizer.weight_decay=0",
        "data.batch_size={choices: [32, 64, 128]}",
    )
    ahead = forecast(searched(Goal(trials=50), NONE, *one), PRICES, 0.0, workers=1)
    assert ahead.trials.median == 3


def test_a_long_search_goes_on_as_it_began(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_TRIALS", 10)
    ahead = forecast(searched(Goal(trials=1000)), PRICES, 1.0, workers=1)
    assert ahead.trials.median == 1000
    assert ahead.seconds.median == pytest.approx(1000 * 9.0)
    timed = forecast(searched(Goal(deadline=900.0)), PRICES, 1.0, workers=1)
    assert timed.trials.median == pytest.approx(100)


def test_a_search_begins_with_what_is_known() -> None:
    prices = Prices([Price(4, 10.0), Price(4, 20.0), Price(4, 40.0), Price(4, 1.0)], foreseen=3)
    ahead = forecast(searched(Goal(trials=5)), prices, 0.0, workers=1)
    assert ahead.seconds.high == pytest.approx(4 * (10 + 20 + 40 + 1 + 1))


def test_a_sampler_that_learns_stays_with_what_is_cheap_or_with_what_is_dear() -> None:
    prices = Prices([Price(1, 1.0), Price(1, 100.0)])
    learned, drawn = (
        forecast(searched(Goal(trials=60), SearchSettings("pruning", sampler, "none")), prices, 0.0, 1).seconds
        for sampler in ("tpe", "random")
    )
    assert drawn.high - drawn.low < 0.5 * drawn.median < learned.high - learned.low


def test_the_same_is_forecast_twice() -> None:
    goal, settings = Goal(trials=12), SearchSettings("rungs", "forest")
    prices = Prices([Price(4, math.exp(number / 4)) for number in range(8)])
    assert forecast(searched(goal, settings), prices, 0.5, 2) == forecast(searched(goal, settings), prices, 0.5, 2)
