"""What a trial is worth is one number: reported after its last epoch, told, and of the epoch whose weights stay."""

from pathlib import Path
from typing import Any

import pytest
from hpo.search.executors.base import Job
from hpo.search.executors.simulated import SimulatedExecutor
from hpo.search.loop.goal import Outcome
from hpo.spaces.space import Fixed, SearchSpace
from hpo.studies import attributes
from hpo.training.report import EpochReport

from .world import EPOCHS, SPACE, World

ARRIVING = [0.06 * epoch for epoch in range(1, EPOCHS + 1)]
JUMPING = [0.1, 0.1, 0.1, 0.1, 0.9, 0.3, 0.3, 0.3, 0.3, 0.3]


def curve(job: Job) -> list[EpochReport]:
    """Trials with an even number arrive, the others jump once and fall again; ten virtual seconds an epoch."""
    values = JUMPING if job.number % 2 else ARRIVING
    return [EpochReport(epoch, {"val_accuracy": v}, 10.0 * epoch) for epoch, v in enumerate(values, start=1)]


def search(world: World, trials: int, objective: dict[str, Any], **goal: float) -> Outcome:
    """Run to `trials` trials of a space that says what a trial is worth."""
    values = (*SPACE.values, *(Fixed(f"objective.{key}", value) for key, value in objective.items()))
    space = SearchSpace(SPACE.name, SPACE.parameters, values)
    executor = SimulatedExecutor(curve, 2, world.clock, checkpoints=world.checkpoints)
    return world.loop(trials, executor=executor, sampler="random", space=space, **goal).run()


@pytest.mark.parametrize(
    ("objective", "winner", "value", "epoch"),
    [
        ({}, ARRIVING, 0.6, EPOCHS),
        ({"at": "last"}, ARRIVING, 0.6, EPOCHS),
        ({"at": "last", "mean_of": 6}, ARRIVING, 0.45, EPOCHS),
        ({"at": "best"}, JUMPING, 0.9, 5),
    ],
)
def test_the_winner_is_the_one_that_is_worth_most(
    tmp_path: Path, objective: dict[str, Any], winner: list[float], value: float, epoch: int
) -> None:
    world = World(tmp_path)
    assert search(world, 4, objective) is Outcome.DONE
    best = max(world.trials(), key=lambda trial: trial.value or 0.0)
    assert (best.number % 2, best.value) == (int(winner is JUMPING), pytest.approx(value))
    assert best.user_attrs[attributes.BEST_EPOCH] == epoch
    assert best.user_attrs[attributes.METRICS] == {"val_accuracy": winner[epoch - 1]}
    for trial in world.trials():
        assert trial.value == trial.intermediate_values[EPOCHS]


@pytest.mark.parametrize("objective", [{"at": "last", "mean_of": 6}, {"at": "best"}])
def test_a_trial_that_is_continued_is_worth_what_it_would_have_been(tmp_path: Path, objective: dict[str, Any]) -> None:
    whole, broken = World(tmp_path / "whole"), World(tmp_path / "broken")
    assert search(whole, 2, objective) is Outcome.DONE
    assert search(broken, 2, objective, deadline=broken.clock.now() + 75.0) is Outcome.TIMED_OUT
    assert search(broken, 2, objective) is Outcome.DONE
    assert [trial.intermediate_values for trial in broken.trials()] == [
        trial.intermediate_values for trial in whole.trials()
    ]
