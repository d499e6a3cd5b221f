"""A training pass of one image, where batch norm has one value per channel."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hpo.training.config import TrialConfig
from hpo.training.data.pack import Pack
from hpo.training.loop.learner import Learner
from hpo.training.models.lone_image import LoneImageNorms
from hpo.training.report import Status, TrainResult
from hpo.training.train import train
from torch import nn

Make = Callable[..., TrialConfig]
CPU = torch.device("cpu")

GREEDY = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self, num_classes, in_channels, most):
        super().__init__()
        self.most = most
        self.body = nn.Sequential(nn.Flatten(), nn.Linear(64, 8), nn.BatchNorm1d(8), nn.Linear(8, num_classes))

    def forward(self, images):
        if self.training and len(images) > self.most:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return self.body(images)
"""


def run(config: TrialConfig, pack: Path, directory: Path) -> TrainResult:
    *_, result = train(config, pack=pack, directory=directory)
    assert isinstance(result, TrainResult)
    return result


def test_it_takes_the_running_averages_and_leaves_them_alone() -> None:
    torch.manual_seed(0)
    norm, image = nn.BatchNorm1d(3), torch.randn(1, 3)
    norm(torch.randn(50, 3) * 2 + 5)
    before = {name: value.clone() for name, value in norm.state_dict().items()}
    expected = norm.eval()(image)
    norm.train()
    lone = LoneImageNorms(norm)
    with lone.pass_of(image):
        found = norm(image)
    assert torch.equal(found, expected)
    assert norm.training
    assert all(torch.equal(before[name], value) for name, value in norm.state_dict().items())
    assert lone.note.startswith("a pass of one image leaves batch norm one value per channel")
    with pytest.raises(ValueError, match="more than 1 value per channel"):
        norm(image)  # outside it is as torch has it


def test_maps_of_more_pixels_and_passes_of_more_images_are_as_ever() -> None:
    torch.manual_seed(0)
    for shape in ((1, 3, 4, 4), (2, 3, 1, 1)):
        images, plain, norm = torch.randn(shape), nn.BatchNorm2d(3), nn.BatchNorm2d(3)
        lone = LoneImageNorms(norm)
        with lone.pass_of(images):
            assert torch.equal(norm(images), plain(images))
        assert torch.equal(norm.running_mean, plain.running_mean)  # type: ignore[arg-type]
        assert lone.note == ""


def test_a_norm_trains_on_after_a_pass_that_failed() -> None:
    norm = nn.BatchNorm1d(3)
    with pytest.raises(RuntimeError), LoneImageNorms(norm).pass_of(torch.zeros(1, 3)):
        norm(torch.zeros(1, 3, dtype=torch.int64))
    assert norm.training


@pytest.mark.parametrize("checkpointed", [False, True])
@pytest.mark.parametrize("micro_batch", [1, 2])
@pytest.mark.parametrize(
    "model",
    [{"name": "simple_cnn", "width": 4}, {"name": "resnet", "width": 8}, {"name": "torchvision", "arch": "resnet18"}],
)
def test_every_model_takes_a_step(
    model: dict[str, Any], micro_batch: int, checkpointed: bool, small_config: Make, digits_pack: Path
) -> None:
    memory = {"micro_batch": micro_batch, "checkpoint_activations": checkpointed}
    learner = Learner.create(small_config(model=model, memory=memory), Pack.open(digits_pack), CPU)
    loss, logits, norm = learner.step(torch.randn(5, 1, 8, 8), torch.arange(5), lr=0.1)
    assert torch.isfinite(loss)
    assert torch.isfinite(norm)
    assert logits.shape == (5, 10)
    assert all(module.training for module in learner.model.modules())


@pytest.mark.parametrize(
    ("sections", "note"),
    [
        ({"memory": {"micro_batch": 1}}, "batch norm has no variance over one image: passes of two, not of one"),
        ({"memory": {"micro_batch": 2}, "data": {"source": "digits", "batch_size": 63}}, ""),
        (
            {"data": {"source": "digits", "batch_size": 1}},
            "a pass of one image leaves batch norm one value per channel: it took its running averages",
        ),
    ],
)
def test_a_run_of_such_passes_ends_and_says_so(
    sections: dict[str, Any], note: str, small_config: Make, few: Path, tmp_path: Path
) -> None:
    result = run(
        small_config(model={"name": "simple_cnn", "width": 4}, budget={"epochs": 1}, **sections), few, tmp_path
    )
    assert result.status is Status.FINISHED
    assert result.notes == tuple(filter(None, (note,)))


@pytest.mark.parametrize("micro_batch", [1, 2, 3])
def test_batch_norm_never_meets_one_image_of_a_batch(micro_batch: int, small_config: Make, digits_pack: Path) -> None:
    config = small_config(model={"name": "simple_cnn", "width": 4}, memory={"micro_batch": micro_batch})
    learner = Learner.create(config, Pack.open(digits_pack), CPU)
    met: list[int] = []
    for module in learner.model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.register_forward_hook(lambda _module, inputs, _output: met.append(len(inputs[0])))
    for images in (2, 3, 5, 8, 9):
        learner.step(torch.randn(images, 1, 8, 8), torch.arange(images), lr=0.1)
    assert set(met) <= {2, 3}


def test_a_model_without_batch_norm_takes_passes_of_one(small_config: Make) -> None:
    learner = Learner(small_config(), nn.Sequential(nn.Flatten(), nn.Linear(64, 10)), CPU)
    assert learner.least_images == 1


@pytest.mark.parametrize(
    ("norm", "most", "status", "images"),
    [
        ("nn.BatchNorm1d(8)", 2, Status.FINISHED, 2),
        ("nn.BatchNorm1d(8)", 1, Status.OUT_OF_MEMORY, 2),
        ("nn.LayerNorm(8)", 1, Status.FINISHED, 1),
        ("nn.LayerNorm(8)", 0, Status.OUT_OF_MEMORY, 1),
    ],
)
def test_too_little_memory_is_a_result_not_an_accident(
    norm: str, most: int, status: Status, images: int, small_config: Make, few: Path, tmp_path: Path
) -> None:
    (tmp_path / "net.py").write_text(GREEDY.replace("nn.BatchNorm1d(8)", norm))
    config = small_config(model={"name": f"{tmp_path}/net.py:Net", "most": most}, budget={"epochs": 1})
    result = run(config, few, tmp_path / "run")
    assert result.status is status
    assert result.notes[-1] == f"out of memory in epoch 1: from here on passes of {images} images"
