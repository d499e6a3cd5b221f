"""A user's model by path: found, called with what it takes, and its errors shown at their line."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from hpo.errors import TrainingError
from hpo.training.models.build import build_model
from hpo.training.models.config import CustomModel
from hpo.training.models.registry import MODELS
from hpo.training.models.source import name_model, source_digest
from torch import nn

GOOD = """
from torch import nn
from hpo.training.models.registry import register_model

@register_model("net_of_a_user")
class MyNet(nn.Module):
    def __init__(self, num_classes, in_channels, hidden=8):
        super().__init__()
        self.net = nn.Sequential(nn.Flatten(), nn.LazyLinear(hidden), nn.ReLU(), nn.Linear(hidden, num_classes))

    def forward(self, images):
        return self.net(images)

def sized(num_classes, in_channels, image_size, **rest):
    return nn.Sequential(nn.Flatten(), nn.Linear(in_channels * image_size**2, num_classes))

def broken(num_classes, in_channels):
    return nn.Linear(num_classes, missing_name)

def no_module(num_classes, in_channels):
    return 3

def no_channels(num_classes):
    return nn.Linear(1, num_classes)

def needy(num_classes, in_channels, depth):
    return nn.Linear(in_channels, num_classes)
"""


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "mynet.py"
    path.write_text(GOOD)
    yield path
    MODELS.forget({"net_of_a_user"})


def build(file: Path, name: str, **arguments: object) -> nn.Module:
    config = CustomModel.model_validate({"name": f"{file}:{name}", **arguments})
    name_model(config)
    return build_model(config, num_classes=5, in_channels=1, image_size=8)


def test_gets_its_arguments(file: Path) -> None:
    model = build(file, "MyNet", hidden=3)
    assert model(torch.zeros(2, 1, 8, 8)).shape == (2, 5)
    assert model.get_submodule("net.3").in_features == 3


def test_image_size_where_it_takes_it(file: Path) -> None:
    assert build(file, "sized", anything=1)(torch.zeros(2, 1, 8, 8)).shape == (2, 5)


def test_by_registered_name_and_loaded_once(file: Path) -> None:
    first, second = build(file, "net_of_a_user"), build(file, "MyNet")
    assert type(first) is type(second)
    assert "net_of_a_user" in MODELS.names()


def test_a_changed_file_is_read_again(file: Path) -> None:
    before = source_digest(f"{file}:MyNet")
    assert build(file, "MyNet").get_submodule("net.3").in_features == 8
    file.write_text(file.read_text().replace("hidden=8", "hidden=16"))
    assert build(file, "MyNet").get_submodule("net.3").in_features == 16
    assert source_digest(f"{file}:MyNet") != before


def test_files_beside_it_can_be_imported(tmp_path: Path) -> None:
    (tmp_path / "layers_beside_it.py").write_text("WIDTH = 4\n")
    (tmp_path / "net.py").write_text(
        "from torch import nn\nfrom layers_beside_it import WIDTH\n"
        "def net(num_classes, in_channels):\n    return nn.Linear(WIDTH, num_classes)\n"
    )
    assert build(tmp_path / "net.py", "net").in_features == 4


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("MyNett", {}, "did you mean MyNet"),
        ("MyNet", {"hiden": 3}, "does not take the argument hiden; did you mean hidden"),
        ("MyNet", {"num_classes": 3}, "num_classes comes from the data"),
        ("no_channels", {}, "lacks in_channels"),
        ("needy", {}, "needs the argument depth"),
        ("no_module", {}, "must give a torch.nn.Module, got int"),
        ("broken", {}, r"mynet.py:18: NameError: name 'missing_name' is not defined"),
        ("broken", {"x": 1}, "it takes none of its own"),
    ],
)
def test_refusals(file: Path, name: str, arguments: dict[str, object], message: str) -> None:
    with pytest.raises(TrainingError, match=message) as caught:
        build(file, name, **arguments)
    assert len(str(caught.value).splitlines()) <= 3


def test_a_missing_file_shows_the_nearest(file: Path) -> None:
    with pytest.raises(TrainingError, match=r"did you mean mynet\.py"):
        build(file.with_name("mynett.py"), "MyNet")


@pytest.mark.parametrize(
    ("source", "message"),
    [("x = 1\ny = 1 / 0\n", r"bad.py:2: ZeroDivisionError"), ("x = 1\n\ndef :\n", r"bad.py:3: SyntaxError")],
)
def test_errors_while_loading_show_the_line(tmp_path: Path, source: str, message: str) -> None:
    (tmp_path / "bad.py").write_text(source)
    for _ in range(2):  # a second attempt says the same, not something about half a module
        with pytest.raises(TrainingError, match=message):
            build(tmp_path / "bad.py", "net")


def test_a_file_that_fails_registers_nothing(tmp_path: Path) -> None:
    (tmp_path / "half.py").write_text(
        "from torch import nn\nfrom hpo.training.models.registry import register_model\n"
        "register_model('half_of_a_file')(nn.Identity)\nraise ValueError('late')\n"
    )
    with pytest.raises(TrainingError, match=r"half.py:4: ValueError: late"):
        build(tmp_path / "half.py", "half_of_a_file")
    assert "half_of_a_file" not in MODELS.names()
