"""Schedules against torch's own, and their shapes."""

import random
from typing import get_args

import pytest
import torch
from hpo.training.metric_names import ValMetric
from hpo.training.optim.config import Constant, Cosine, OneCycle, Piecewise, Plateau, ScheduleConfig, Step
from hpo.training.optim.schedules import epoch_factors, lr_factor, plateau_factors
from torch.optim.lr_scheduler import CosineAnnealingLR, LRScheduler, MultiStepLR, OneCycleLR, ReduceLROnPlateau

TOTAL = 60


def optimizer() -> torch.optim.SGD:
    return torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)


def rates(scheduler: LRScheduler) -> list[float]:
    values = []
    for _ in range(TOTAL):
        values.append(scheduler.get_last_lr()[0])
        scheduler.optimizer.step()
        scheduler.step() if len(values) < TOTAL else None
    return values


def factors(schedule: ScheduleConfig, total: int = TOTAL) -> list[float]:
    return [lr_factor(schedule, step, total) for step in range(total)]


def test_cosine_is_torchs() -> None:
    assert factors(Cosine(final=0.1)) == pytest.approx(rates(CosineAnnealingLR(optimizer(), TOTAL, eta_min=0.1)))


@pytest.mark.parametrize("warmup", [0.1, 0.3, 0.55])
def test_one_cycle_is_torchs(warmup: float) -> None:
    torchs = OneCycleLR(
        optimizer(), 1.0, TOTAL, pct_start=warmup, div_factor=25, final_div_factor=1e4, cycle_momentum=False
    )
    assert factors(OneCycle(warmup=warmup)) == pytest.approx(rates(torchs))


def test_step_is_torchs() -> None:
    torchs = MultiStepLR(optimizer(), [20, 40], gamma=0.2)
    assert factors(Step(drops=2, gamma=0.2)) == pytest.approx(rates(torchs))


@pytest.mark.parametrize("schedule", [Constant(warmup=0.1), Step(warmup=0.1), Cosine(warmup=0.1), Plateau(warmup=0.1)])
def test_warmup_rises_linearly_to_the_peak(schedule: ScheduleConfig) -> None:
    values = factors(schedule)
    assert values[:6] == pytest.approx([1 / 7, 2 / 7, 3 / 7, 4 / 7, 5 / 7, 6 / 7])
    assert values[6] == max(values) == 1.0


@pytest.mark.parametrize("schedule", [Constant(), Step(drops=5), Cosine(warmup=0.5), OneCycle(), Constant(warmup=0.99)])
@pytest.mark.parametrize("total", [1, 2, 3, 7])
def test_short_runs_stay_in_range(schedule: ScheduleConfig, total: int) -> None:
    values = factors(schedule, total)
    assert all(0 < value <= 1 for value in values)


def test_one_step_is_taken_at_the_peak() -> None:
    assert factors(OneCycle(), 1) == [1.0]


@pytest.mark.parametrize("section", get_args(get_args(ScheduleConfig)[0]))
@pytest.mark.parametrize("total", [1, 2, 60])
def test_every_schedule_stays_in_range(section: type[Constant], total: int) -> None:
    assert all(0 < value <= 1 for value in factors(section(), total))


@pytest.mark.parametrize("metric", ["val_loss", "val_accuracy"])
@pytest.mark.parametrize("seed", range(5))
def test_plateau_is_torchs(metric: ValMetric, seed: int) -> None:
    draw = random.Random(seed)
    schedule = Plateau(
        metric=metric, patience=draw.randint(1, 4), gamma=0.5, min_delta=draw.choice([0.0, 0.1]), final=0.05
    )
    torchs = ReduceLROnPlateau(
        optimizer(),
        mode="min" if metric == "val_loss" else "max",
        factor=schedule.gamma,
        patience=schedule.patience - 1,
        threshold=schedule.min_delta,
        threshold_mode="abs",
        min_lr=schedule.final,
        eps=0.0,
    )
    values = [round(draw.random(), 2) for _ in range(60)]
    for epoch, value in enumerate(values, 1):
        torchs.step(value)
        assert plateau_factors(schedule, values[:epoch])[-1] == pytest.approx(torchs.get_last_lr()[0])


def test_plateau_lets_the_patience_pass() -> None:
    schedule = Plateau(patience=2, gamma=0.1)
    assert plateau_factors(schedule, [1.0, 0.9, 0.95, 0.9, 0.8]) == pytest.approx([1.0, 1.0, 1.0, 1.0, 0.1, 0.1])


def test_piecewise_replays_what_plateaus_brought() -> None:
    values = [1.0, 0.9, 0.95, 0.97, 0.8]
    plateau = Plateau(patience=1, gamma=0.5)
    told = epoch_factors(plateau, 6, lambda metric: values)
    assert told == [1.0, 1.0, 1.0, 0.5, 0.25, 0.25]
    piecewise = Piecewise(factors=tuple(told))
    assert [epoch_factors(piecewise, epochs, lambda metric: [])[-1] for epochs in range(1, 9)] == [*told, 0.25, 0.25]
    assert epoch_factors(Constant(), 3, lambda metric: []) == [1.0, 1.0, 1.0]
