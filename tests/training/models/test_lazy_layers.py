"""Lazy layers in a user's model: sized by the images before anything asks for weights."""

from pathlib import Path

import pytest
import torch
from hpo.errors import TrainingError
from hpo.training.models.build import build_model
from hpo.training.models.config import CustomModel
from hpo.training.models.source import name_model
from torch import nn

NET = """
from torch import nn


def net(num_classes, in_channels):
    return nn.Sequential(nn.LazyConv2d(4, 3), nn.LazyBatchNorm2d(), nn.Flatten(), nn.LazyLinear(num_classes))


def impossible(num_classes, in_channels):
    return nn.Sequential(nn.LazyConv2d(4, 30), nn.Flatten(), nn.LazyLinear(num_classes))
"""

pytestmark = pytest.mark.filterwarnings("ignore:Lazy modules are a new feature")


def build(folder: Path, name: str) -> nn.Module:
    (folder / "lazy.py").write_text(NET)
    config = CustomModel(name=f"{folder}/lazy.py:{name}")
    name_model(config)
    return build_model(config, num_classes=10, in_channels=1, image_size=8)


def test_their_sizes_come_from_the_images(tmp_path: Path) -> None:
    model = build(tmp_path, "net")
    assert [tuple(p.shape) for p in model.parameters()][-2:] == [(10, 4 * 6 * 6), (10,)]
    assert model.training
    (norm,) = (layer for layer in model if isinstance(layer, nn.BatchNorm2d))
    assert norm.running_mean is not None
    assert norm.running_mean.eq(0).all()
    assert norm.num_batches_tracked == 0


def test_the_same_seed_draws_the_same_weights(tmp_path: Path) -> None:
    drawn = []
    for _ in range(2):
        torch.manual_seed(3)
        drawn.append(nn.utils.parameters_to_vector(build(tmp_path, "net").parameters()))
    assert torch.equal(*drawn)


def test_images_that_do_not_fit_are_a_located_error(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"lazy\.py: RuntimeError"):
        build(tmp_path, "impossible")
