"""A training that is paused within an epoch does no batch of it again, and ends bit-identical."""

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from hpo.training.checkpoints.checkpoint import load, save
from hpo.training.config import TrialConfig
from hpo.training.data.batches import TrainBatches
from hpo.training.data.pack import Pack
from hpo.training.loop.feed import train_batches
from hpo.training.machine.seeding import generator_states, seeded, set_generator_states
from hpo.training.report import Activity, Signal, Status, TrainResult
from hpo.training.train import train

from .test_resume import EVERYTHING, values

Make = Callable[..., TrialConfig]
STEPS = 4  # batches of 32 out of 100 images
CPU = torch.device("cpu")

pytestmark = pytest.mark.usefixtures("one_thread")

# It draws from each of the generators that a model may draw from.
DRAWS = """
import random
import numpy as np
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self, num_classes, in_channels):
        super().__init__()
        self.body = nn.Sequential(nn.Flatten(), nn.Linear(64, 32), nn.BatchNorm1d(32), nn.Dropout(0.5))
        self.head = nn.Linear(32, num_classes)

    def forward(self, images):
        hidden = self.body(images)
        if self.training:
            hidden = hidden * (1 + 0.1 * random.random()) + 0.1 * np.random.standard_normal()
        return self.head(hidden)
"""


@pytest.fixture
def config(small_config: Make, tmp_path: Path) -> TrialConfig:
    (tmp_path / "net.py").write_text(DRAWS)
    return small_config(
        model={"name": f"{tmp_path}/net.py:Net"},
        data={"source": "digits", "batch_size": 32},
        augment=EVERYTHING,
        ema={"decay": 0.9},
        schedule={"name": "cosine", "warmup": 0.2},
        budget={"epochs": 2},
    )


def run(config: TrialConfig, pack: Path, directory: Path, **options: Any) -> tuple[TrainResult, list[tuple[int, int]]]:
    """The result of a training, and the batches that it did: epoch and number."""
    done: list[tuple[int, int]] = []

    def tell(activity: Activity) -> None:
        if activity.words == "training":
            done.append((activity.epoch, activity.done))

    *_, result = train(config, pack=pack, directory=directory, tell=tell, **options)
    assert isinstance(result, TrainResult)
    return result, done


def pause_after(batches: int) -> Callable[[], Signal]:
    asked: Iterator[int] = iter(range(10**9))
    return lambda: Signal.PAUSE if next(asked) >= batches else Signal.CONTINUE


def same(one: Any, other: Any) -> bool:
    match one:
        case torch.Tensor():
            return torch.equal(one, other)
        case dict():
            return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
        case list():
            return len(one) == len(other) and all(map(same, one, other))
        case _:
            return bool(one == other)


def assert_same_end(one: Path, other: Path) -> None:
    for name in ("last.ckpt", "best.ckpt"):
        states = [load(directory / name) for directory in (one, other)]
        keys = [key for key in ("model", "average", "optimizer", "scaler") if key in states[0]]
        assert all(same(states[0][key], states[1][key]) for key in keys)


@pytest.mark.parametrize("pauses", [(1,), (3,), (5,), (2, 1, 2), (1, 4, 1)])
def test_no_batch_is_done_again(pauses: tuple[int, ...], config: TrialConfig, few: Path, tmp_path: Path) -> None:
    whole, all_batches = run(config, few, tmp_path / "whole")
    batches: list[tuple[int, int]] = []
    for after in pauses:
        result, done = run(config, few, tmp_path / "parts", signal=pause_after(after))
        assert result.status is Status.PAUSED
        batches += done
        torch.manual_seed(after)  # what a process draws in between is no matter
        random.seed(after)
    result, done = run(config, few, tmp_path / "parts")
    assert batches + done == all_batches
    assert values(result) == values(whole)
    assert_same_end(tmp_path / "whole", tmp_path / "parts")
    assert not (tmp_path / "parts" / "partial.ckpt").exists()


def test_the_time_of_the_part_counts(config: TrialConfig, few: Path, tmp_path: Path) -> None:
    run(config, few, tmp_path, signal=pause_after(3))
    state = load(tmp_path / "partial.ckpt")
    state["partial"]["elapsed_s"] = 1000.0
    save(tmp_path / "partial.ckpt", state)
    result, _ = run(config, few, tmp_path)
    assert 1000 < result.history[0].elapsed_s < result.history[1].elapsed_s
    assert result.history[0].metrics["images_per_s"] < 0.1


def test_a_pause_before_the_first_batch_of_an_epoch_keeps_no_part(
    config: TrialConfig, few: Path, tmp_path: Path
) -> None:
    result, _ = run(config, few, tmp_path, signal=pause_after(STEPS))
    assert (result.status, result.message) == (Status.PAUSED, "paused in epoch 2")
    assert not (tmp_path / "partial.ckpt").exists()


class Killed(BaseException):
    """Ends a training as a kill does."""


def test_killed_after_it_went_on_it_goes_on_from_the_part_again(config: TrialConfig, few: Path, tmp_path: Path) -> None:
    whole, _ = run(config, few, tmp_path / "whole")
    run(config, few, tmp_path / "parts", signal=pause_after(STEPS + 2))

    def killed() -> Signal:
        raise Killed

    with pytest.raises(Killed):
        run(config, few, tmp_path / "parts", signal=killed)
    result, done = run(config, few, tmp_path / "parts")
    assert done == [(2, 3), (2, 4)]
    assert values(result) == values(whole)


def test_a_part_of_an_epoch_that_has_ended_is_not_used(config: TrialConfig, few: Path, tmp_path: Path) -> None:
    run(config, few, tmp_path, signal=pause_after(2))
    part = (tmp_path / "partial.ckpt").read_bytes()
    run(config, few, tmp_path, signal=pause_after(3))
    (tmp_path / "partial.ckpt").write_bytes(part)  # as if it had not been removed
    result, done = run(config, few, tmp_path)
    assert done[0] == (2, 1)
    assert result.status is Status.FINISHED
    assert not (tmp_path / "partial.ckpt").exists()


@pytest.mark.parametrize("pause", [2, STEPS + 2])
def test_a_damaged_part_costs_the_part_alone(pause: int, config: TrialConfig, few: Path, tmp_path: Path) -> None:
    whole, _ = run(config, few, tmp_path / "whole")
    directory = tmp_path / "parts"
    run(config, few, directory, signal=pause_after(pause))
    (directory / "partial.ckpt").write_bytes((directory / "partial.ckpt").read_bytes()[:-1])
    result, _ = run(config, few, directory)
    epoch = 1 + pause // STEPS
    assert result.notes == (
        f"{directory}/partial.ckpt: not a checkpoint of ours, or its end is missing; epoch {epoch} begins anew",
    )
    assert values(result) == values(whole)
    assert_same_end(tmp_path / "whole", directory)


def test_the_part_of_another_configuration_is_not_used(config: TrialConfig, few: Path, tmp_path: Path) -> None:
    run(config, few, tmp_path, signal=pause_after(2))
    result, done = run(config.model_copy(update={"seed": 5}), few, tmp_path)
    assert result.notes[0].endswith("belongs to another training, its config differs; epoch 1 begins anew")
    assert len(done) == 2 * STEPS


def test_batches_go_on_with_their_order_and_their_streams(config: TrialConfig, few: Path) -> None:
    def batches() -> TrainBatches:
        pack = Pack.open(few)
        return train_batches(config, pack, "train", CPU)

    whole, first = list(batches().epoch(3)), batches().epoch(3)
    for _ in range(2):
        next(first)
    rest = list(batches().epoch(3, 2, first.streams))
    assert len(rest) == STEPS - 2
    assert all(same(list(one), list(other)) for one, other in zip(whole[2:], rest, strict=True))


def test_generators_go_on_where_they_were() -> None:
    def draw() -> tuple[float, float, float]:
        return torch.rand(()).item(), random.random(), random.gauss(0, 1)

    with seeded(1, 2, CPU):
        draw()
        states = generator_states(CPU)
        expected = draw()
    with seeded(3, 4, CPU):
        set_generator_states(states, CPU)
        assert draw() == expected
