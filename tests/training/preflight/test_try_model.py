"""check_model: what is wrong with a model, said before the study begins."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hpo.errors import TrainingError
from hpo.training.config import TrialConfig
from hpo.training.data.pack import Pack
from hpo.training.preflight.try_model import check_model

Make = Callable[..., TrialConfig]

SOURCE = """
from torch import nn

class Wrong(nn.Linear):
    def __init__(self, num_classes, in_channels):
        super().__init__(5, num_classes)

    def forward(self, images):
        images = images.flatten(1)
        return super().forward(images)

def shape(num_classes, in_channels):
    return nn.Sequential(nn.Flatten(), nn.Linear(64, num_classes + 1))

def flat(num_classes, in_channels):
    return nn.Flatten()
"""


@pytest.fixture
def pack(digits_pack: Path) -> Pack:
    return Pack.open(digits_pack)


@pytest.mark.parametrize("name", ["simple_cnn", "resnet"])
@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_built_in_models_pass(name: str, optimizer: str, pack: Pack, small_config: Make) -> None:
    check_model(small_config(model={"name": name, "width": 4}, optimizer={"name": optimizer}), pack)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Wrong", r"Wrong on images \[2, 1, 8, 8\]: .*nets\.py:10: RuntimeError: mat1 and mat2 shapes"),
        ("shape", r"must give logits \[batch, classes\], here \[2, 10\], got \[2, 11\]"),
        ("flat", r"Flatten: has no trainable parameters"),
        ("Wrnog", "did you mean Wrong"),
    ],
)
def test_what_is_wrong(name: str, message: str, pack: Pack, small_config: Make, tmp_path: Path) -> None:
    (tmp_path / "nets.py").write_text(SOURCE)
    config = small_config(model={"name": f"{tmp_path}/nets.py:{name}"})
    with pytest.raises(TrainingError, match=message) as caught:
        check_model(config, pack)
    assert len(str(caught.value).splitlines()) <= 3


def test_precision_is_checked_too(pack: Pack, small_config: Make) -> None:
    with pytest.raises(TrainingError, match="fp16 needs CUDA"):
        check_model(small_config(precision={"dtype": "fp16"}), pack)
