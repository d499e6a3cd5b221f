"""What cannot be exported is found before anything is trained, and so is what cannot be evaluated or loaded again."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hpo.errors import ExportError, TrainingError
from hpo.training.config import TrialConfig
from hpo.training.data.pack import Pack
from hpo.training.export.rehearse import ExportRehearsal
from hpo.training.models.config import Torchvision
from hpo.training.models.meta import build_on_meta
from hpo.training.preflight.try_model import check_model, check_models

Make = Callable[..., TrialConfig]

SOURCE = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self, num_classes, in_channels, image_size, operator="relu", width=8):
        super().__init__()
        pixels = in_channels * image_size**2
        self.head = nn.Sequential(nn.Flatten(), nn.Linear(pixels, width), nn.Linear(width, num_classes))
        self.operator = operator

    def forward(self, images):
        x = torch.special.bessel_j0(images) if self.operator == "bessel" else torch.relu(images)
        return self.head(x)

class Branch(Net):
    def forward(self, images):
        if images.mean() > 0:
            return self.head(images)
        return self.head(images) * 2

class Single(Net):
    def forward(self, images):
        return self.head(images).squeeze()

class Fixed(Net):
    def forward(self, images):
        return self.head(images) + torch.zeros(min(len(images), 2), 1)

class Late(Net):
    def forward(self, images):
        if not hasattr(self, "gain"):
            self.gain = nn.Parameter(torch.ones(1))
        return self.head(images) * self.gain

class Noisy(Net):
    def forward(self, images):
        return self.head(nn.functional.dropout(images, 0.5, training=True))
"""


@pytest.fixture
def pack(digits_pack: Path, quick_exports: None) -> Pack:
    return Pack.open(digits_pack)


@pytest.fixture
def net(tmp_path: Path, small_config: Make) -> Callable[..., TrialConfig]:
    """A function that makes a configuration of one of the models above."""
    file = tmp_path / "nets.py"
    file.write_text(SOURCE)
    return lambda name, **arguments: small_config(model={"name": f"{file}:{name}", **arguments})


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "Branch",
            r"cannot be captured as a graph\n  .*nets\.py:18: a branch here depends on the values of the images",
        ),
        ("Fixed", r"cannot be captured as a graph\n  its code fixes the batch size"),
        ("Late", r"its weights do not fit a fresh one\n  .*Unexpected key\(s\) in state_dict: \"gain\""),
        ("Noisy", r"model\.onnx: does not give the model's answers in batches of 32 on 3 images"),
    ],
)
def test_what_cannot_be_exported_is_told_with_a_way_out(
    name: str, message: str, net: Callable[..., TrialConfig], pack: Pack
) -> None:
    with pytest.raises(TrainingError, match=message) as refused:
        check_models([net(name)], pack, skip_export=False)
    lines = str(refused.value).splitlines()
    assert len(lines) <= 3
    assert lines[-1] == "  so it cannot be exported; --skip-export-check trains it all the same"


def test_whoever_wants_the_search_alone_may_have_it(net: Callable[..., TrialConfig], pack: Pack) -> None:
    check_models([net("Branch"), net("Noisy")], pack, skip_export=True)
    with pytest.raises(ExportError, match="a branch here"):
        check_model(net("Branch"), pack, ExportRehearsal(pack))


def test_one_image_alone_is_tried_as_the_last_batch_may_hold_one(net: Callable[..., TrialConfig], pack: Pack) -> None:
    with pytest.raises(TrainingError, match=r"must give logits \[batch, classes\], here \[1, 10\], got \[10\]"):
        check_model(net("Single"), pack)


def test_files_are_written_for_every_operator_of_a_space(net: Callable[..., TrialConfig], pack: Pack) -> None:
    with pytest.raises(TrainingError, match=r"cannot be written as ONNX\n  .*bessel_j0"):
        check_models([net("Net"), net("Net", width=4), net("Net", operator="bessel")], pack, skip_export=False)
    assert not list(pack.path.parent.glob(".export-*"))


def test_a_published_architecture_is_captured_without_memory(pack: Pack) -> None:
    section = Torchvision(arch="shufflenet_v2_x0_5")
    net = build_on_meta(section, num_classes=10, in_channels=1, image_size=8)
    net.forward = lambda images: net.fc(images.mean() > 0)  # type: ignore[method-assign]
    with pytest.raises(ExportError, match="torchvision: cannot be captured as a graph"):
        ExportRehearsal(pack).capture(net, section)
