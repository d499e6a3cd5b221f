"""A training whose batches several devices share equals one on a single device, and outlives what happens to them."""

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from hpo.common.faults import ReplicaError
from hpo.training.checkpoints.checkpoint import load
from hpo.training.config import TrialConfig
from hpo.training.loop.replicas import Replicas
from hpo.training.models.source import name_model
from hpo.training.report import EpochReport, Signal, Status, TrainResult
from hpo.training.train import train
from pydantic import ValidationError

from .test_resume import pause_at, same_state, values

Make = Callable[..., TrialConfig]

pytestmark = pytest.mark.usefixtures("one_thread")

# no batch norm, whose statistics are of a part of the batch; layers that fail on purpose in the process of one device
NET = """\
import torch
import torch.distributed as dist
from torch import nn

class Net(nn.Module):
    def __init__(self, num_classes, in_channels, image_size, limit=0, unused=False):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(in_channels, 8, 3, padding=1), nn.GroupNorm(2, 8), nn.ReLU(),
            nn.Flatten(), nn.LazyLinear(num_classes),
        )
        self.spare = nn.Linear(2, 2) if unused else None
        self.limit = limit
        if limit < 0 and dist.is_initialized() and dist.get_rank() == 1:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 9 GiB")

    def forward(self, images):
        if self.limit and dist.is_initialized() and dist.get_rank() == 1 and len(images) > self.limit:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")
        return self.layers(images)
"""
LATE = 3  # the steps of an epoch of `few`


@pytest.fixture(scope="module")
def replicas() -> Iterator[Replicas]:
    with Replicas() as made:
        yield made


@pytest.fixture
def net(tmp_path: Path) -> str:
    (tmp_path / "net.py").write_text(NET)
    name = f"{tmp_path}/net.py:Net"
    name_model(name)
    return name


def config_of(make: Make, devices: int = 2, **sections: Any) -> TrialConfig:
    """One with a last batch of two images; see `few`."""
    defaults = {"data": {"source": "digits", "batch_size": 49}, "budget": {"epochs": 2}}
    return make(**{**defaults, "devices": devices, **sections})


def finish(config: TrialConfig, pack: Path, directory: Path, replicas: Replicas, **options: Any) -> TrainResult:
    *_, result = train(config, pack=pack, directory=directory, replicas=replicas, **options)
    assert isinstance(result, TrainResult)
    return result


def model_of(directory: Path) -> dict[str, torch.Tensor]:
    state: dict[str, torch.Tensor] = load(directory / "last.ckpt")["model"]
    return state


RUNS: dict[str, dict[str, Any]] = {
    "plain": {},
    "mixed, weighted, clipped, averaged": {
        "augment": {"crop_padding": 1, "mixup": 0.4},
        "loss": {"class_weights": "inverse", "label_smoothing": 0.1},
        "optimizer": {"name": "adamw", "lr": 3e-3, "max_grad_norm": 0.5},
        "ema": {"decay": 0.9},
    },
    "accumulated": {"memory": {"micro_batch": 9}},
}


@pytest.mark.parametrize("sections", RUNS.values(), ids=RUNS)
def test_two_devices_train_as_one_does(
    small_config: Make, few: Path, tmp_path: Path, net: str, replicas: Replicas, sections: dict[str, Any]
) -> None:
    model = {"model": {"name": net}}
    results = [
        finish(config_of(small_config, devices, **model, **sections), few, tmp_path / str(devices), replicas)
        for devices in (1, 2)
    ]
    one, two = map(values, results)
    for before, after in zip(one, two, strict=True):
        assert after == pytest.approx(before, rel=1e-4, abs=1e-6)
    torch.testing.assert_close(model_of(tmp_path / "2"), model_of(tmp_path / "1"), rtol=1e-4, atol=1e-6)


def test_batch_norm_sees_the_parts_of_a_batch_as_in_passes_of_one_device(
    small_config: Make, few: Path, tmp_path: Path, replicas: Replicas
) -> None:
    model = {"name": "simple_cnn", "width": 4, "dropout": 0.0}
    sections = {"model": model, "data": {"source": "digits", "batch_size": 50}}
    parts = config_of(small_config, 1, **sections, memory={"micro_batch": 25})
    finish(parts, few, tmp_path / "1", replicas)
    finish(config_of(small_config, 2, **sections), few, tmp_path / "2", replicas)
    one, two = model_of(tmp_path / "1"), model_of(tmp_path / "2")
    learned = [name for name in one if "running" not in name and "num_batches" not in name]
    for name in learned:
        torch.testing.assert_close(two[name], one[name], rtol=1e-3, atol=1e-5)
    # one device takes the statistics of the parts in turn, two take the mean of both
    for name in set(one) - set(learned):
        torch.testing.assert_close(two[name].float(), one[name].float(), rtol=0.5, atol=0.2)


def test_a_paused_training_goes_on_as_if_it_never_was(
    small_config: Make, few: Path, tmp_path: Path, replicas: Replicas
) -> None:
    model = {"name": "simple_cnn", "width": 4, "dropout": 0.5}
    config = config_of(small_config, model=model, ema={"decay": 0.9}, budget={"epochs": 3})
    through = finish(config, few, tmp_path / "through", replicas)
    paused = finish(config, few, tmp_path / "paused", replicas, signal=pause_at(LATE + 1))
    assert paused.status is Status.PAUSED
    assert [report.epoch for report in paused.history] == [1]
    stopped = finish(config, few, tmp_path / "other", replicas, signal=lambda: Signal.STOP)
    assert stopped.status is Status.STOPPED
    on = finish(config, few, tmp_path / "paused", replicas)
    assert values(on) == values(through)
    states = [load(tmp_path / name / "last.ckpt") for name in ("through", "paused")]
    assert all(same_state(states[0][key], states[1][key]) for key in ("model", "average", "optimizer"))


def test_devices_draw_dropout_masks_of_their_own(
    small_config: Make, few: Path, tmp_path: Path, replicas: Replicas
) -> None:
    """With the same masks, a batch whose halves are equal would have the gradients of one half."""
    model = {"name": "simple_cnn", "width": 4, "dropout": 0.5}
    two = finish(config_of(small_config, model=model), few, tmp_path / "2", replicas)
    parts = config_of(small_config, 1, model=model, memory={"micro_batch": 25})
    one = finish(parts, few, tmp_path / "1", replicas)
    assert two.history[0].metrics["train_loss"] != pytest.approx(one.history[0].metrics["train_loss"], rel=1e-5)
    assert two.history[0].metrics["train_loss"] == pytest.approx(one.history[0].metrics["train_loss"], rel=0.2)


def test_a_device_that_runs_out_of_memory_takes_smaller_passes(
    small_config: Make, few: Path, tmp_path: Path, net: str, replicas: Replicas
) -> None:
    config = config_of(small_config, model={"name": net, "limit": 13})
    result = finish(config, few, tmp_path / "2", replicas)
    assert result.status is Status.FINISHED
    assert any("out of memory in epoch 1: from here on passes of 13 images" in note for note in result.notes)
    one = finish(config_of(small_config, 1, model={"name": net}), few, tmp_path / "1", replicas)
    assert values(result)[-1] == pytest.approx(values(one)[-1], rel=1e-4, abs=1e-6)


def test_a_device_that_cannot_begin_is_told_by_its_own_words(
    small_config: Make, few: Path, tmp_path: Path, net: str, replicas: Replicas
) -> None:
    config = config_of(small_config, model={"name": net, "limit": -1})
    with pytest.raises(ReplicaError, match=r"device 1 of the training: model .*CUDA out of memory"):
        finish(config, few, tmp_path, replicas)
    assert replicas.pids == []


def test_weights_that_no_pass_uses_keep_nobody_waiting(
    small_config: Make, few: Path, tmp_path: Path, net: str, replicas: Replicas
) -> None:
    config = config_of(small_config, model={"name": net, "unused": True})
    assert finish(config, few, tmp_path, replicas).status is Status.FINISHED


def test_a_device_that_is_gone_ends_the_training_which_goes_on_with_another(
    small_config: Make, few: Path, tmp_path: Path, replicas: Replicas
) -> None:
    config = config_of(small_config, budget={"epochs": 4})
    through = finish(config, few, tmp_path / "through", replicas)
    run = train(config, pack=few, directory=tmp_path / "run", replicas=replicas)
    assert isinstance(next(run), EpochReport)
    (pid,) = replicas.pids
    os.kill(pid, signal.SIGKILL)
    with pytest.raises(ReplicaError, match=r"the process of device 1 of the training ended with code -9"):
        list(run)
    assert replicas.pids == []
    assert values(finish(config, few, tmp_path / "run", replicas)) == values(through)


def test_what_is_compiled_is_not_shared(small_config: Make) -> None:
    with pytest.raises(ValidationError, match="compile must be off or auto where devices share a batch"):
        config_of(small_config, compile="on")
