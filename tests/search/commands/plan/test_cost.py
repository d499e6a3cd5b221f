"""The model of what an epoch costs, and which configurations are timed."""

from collections.abc import Callable

import pytest
from hpo.search.commands.plan.cost import Work, fit
from hpo.search.commands.plan.timed import choose
from hpo.search.executors.preflight import ModelCost
from hpo.training.config import TrialConfig

Config = Callable[..., TrialConfig]


def work(config: Config, batch: int, flops: int, *, parameters: int = 10_000) -> Work:
    return Work(config(data={"source": "digits", "batch_size": batch}), ModelCost(parameters, flops), 1000, 100)


def seconds(each: Work) -> float:
    assert each.cost is not None
    return 2e-3 * each.steps + 1e-9 * each.cost.flops * 1033


def test_what_was_not_timed_follows_from_what_was(small_config: Config) -> None:
    timed = [
        work(small_config, batch, flops) for batch, flops in ((32, 10**6), (64, 10**7), (128, 10**8), (256, 10**6))
    ]
    model = fit([(each, seconds(each)) for each in timed])
    other = work(small_config, 48, 5 * 10**7)
    assert model.epoch_s(other) == pytest.approx(seconds(other), rel=0.02)
    assert model.error < 0.01


def test_no_part_is_a_gain(small_config: Config) -> None:
    """Measurements that say larger batches are slower must not make an epoch of one image take less than nothing."""
    timed = [(work(small_config, batch, 10**6), 1.0 + batch / 100) for batch in (16, 32, 64)]
    model = fit(timed)
    assert min(model.weights) >= 0
    assert model.error > 0.1


def test_one_timing_is_enough_for_a_space_of_one_cost(small_config: Config) -> None:
    each = work(small_config, 64, 10**6)
    assert fit([(each, 3.0)]).epoch_s(each) == pytest.approx(3.0)


def test_a_model_of_unknown_cost_is_told_by_its_batches(small_config: Config) -> None:
    few, many = (Work(small_config(data={"source": "digits", "batch_size": b}), None, 1000, 100) for b in (256, 16))
    model = fit([(few, 1.0), (many, 4.0)])
    assert model.epoch_s(few) == pytest.approx(1.0, rel=0.01)
    assert model.epoch_s(many) == pytest.approx(4.0, rel=0.01)


def test_timed_are_those_spread_by_cost_and_the_one_of_most_memory(small_config: Config) -> None:
    drawn = [work(small_config, 64, flops) for flops in range(10**6, 10**8, 10**6)]
    chosen = choose(drawn, [work(small_config, 256, 10**8)])
    costs = [each.cost.flops for each in chosen.spread if each.cost]
    assert costs == sorted(costs)
    assert costs[2] == 50 * 10**6
    assert chosen.heaviest.config.data.batch_size == 256
    assert len(choose(drawn[:1], []).spread) == 5
