"""The registry and every model in it."""

import json
import re
from pathlib import Path

import pytest
import torch
from hpo.errors import TrainingError
from hpo.spaces.load import load_space
from hpo.spaces.schema import json_schema
from hpo.training import models
from hpo.training.config import TrialConfig
from hpo.training.models.build import build_model
from hpo.training.models.catalogue import find_models, library_sizes
from hpo.training.models.config import SECTIONS, OfTheZoo
from hpo.training.models.registry import MODELS, register_model
from torch import nn

ZOO = sorted(name for name, section in SECTIONS.items() if issubclass(section, OfTheZoo))
SMALL = {"simple_cnn": {"width": 4}, "resnet": {"width": 4, "depth": 10}}


def build(name: str, *, channels: int = 1, size: int = 8, classes: int = 10, **arguments: object) -> nn.Module:
    config = SECTIONS[name].model_validate({"name": name, **SMALL.get(name, {}), **arguments})
    return build_model(config, num_classes=classes, in_channels=channels, image_size=size)


def parameters(model: nn.Module) -> int:
    return sum(p.numel() for p in model.parameters())


@pytest.mark.parametrize("name", sorted(SECTIONS))
def test_a_model_with_a_section_is_in_every_list(name: str, tmp_path: Path) -> None:
    assert name in MODELS.names()
    assert callable(MODELS.find(name))  # what workers, `hpo train` and `hpo retrain-best` build
    assert any(listed.split("/")[0] == name for listed in find_models(None)) or name in library_sizes()
    assert f'"{name}"' in json.dumps(json_schema(TrialConfig)["properties"]["model"])
    (tmp_path / "space.yaml").write_text(f"model: {{name: {name}}}\n")
    assert load_space(str(tmp_path / "space.yaml"), TrialConfig).fixed["model.name"] == name  # `hpo check`


def test_every_module_that_registers_a_model_has_its_section() -> None:
    folder = Path(models.__path__[0])
    code = {path.stem: path.read_text() for path in folder.glob("*.py")}
    registering = {name for name, text in code.items() if re.search(r"^@register_model\(", text, re.MULTILINE)}
    assert registering == set(SECTIONS)


@pytest.mark.parametrize("name", ZOO)
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [4, 8, 13, 28, 32, 40, 64, 96])
def test_trains_on_every_size(name: str, channels: int, size: int) -> None:
    model = build(name, channels=channels, size=size, classes=7)
    logits = model(torch.randn(2, channels, size, size))
    assert logits.shape == (2, 7)
    logits.logsumexp(dim=1).sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())


@pytest.mark.parametrize("name", ZOO)
def test_same_seed_same_weights(name: str) -> None:
    states = []
    for _ in range(2):
        torch.manual_seed(5)
        states.append(build(name).state_dict())
    assert all(torch.equal(value, states[1][key]) for key, value in states[0].items())


@pytest.mark.parametrize("name", ZOO)
def test_dropout_is_active_while_training_only(name: str) -> None:
    model = build(name, dropout=0.5, size=16)
    images = torch.randn(4, 1, 16, 16)
    assert not torch.equal(model(images), model(images))
    model.eval()
    assert torch.equal(model(images), model(images))


@pytest.mark.parametrize(
    ("depth", "width", "count"),
    [
        (18, 64, 11_173_962),  # the usual CIFAR ResNet-18: 11.17 M
        (20, 16, 272_474),  # He et al. 2015, table 6: 0.27 M, plus the 1x1 shortcuts
        (32, 16, 466_906),  # 0.46 M, likewise
        (34, 64, 21_282_122),
    ],
)
def test_resnet_has_the_known_number_of_parameters(depth: int, width: int, count: int) -> None:
    assert parameters(build("resnet", channels=3, size=32, depth=depth, width=width)) == count


def test_resnet18_imagenet_matches_torchvision() -> None:
    published = pytest.importorskip("torchvision.models")
    ours = build("resnet", channels=3, size=224, depth=18, width=64, classes=1000)
    assert parameters(ours) == parameters(published.resnet18(weights=None))


@pytest.mark.parametrize(("size", "stem", "stride"), [(64, "auto", 1), (65, "auto", 2), (32, "imagenet", 2)])
def test_stem_follows_the_image_size(size: int, stem: str, stride: int) -> None:
    model = build("resnet", size=size, stem=stem)
    assert next(m for m in model.modules() if isinstance(m, nn.Conv2d)).stride == (stride, stride)


def test_subsampling_before_the_shortcut_is_its_stride() -> None:
    shortcut = build("resnet", depth=10).get_submodule("stages.1.shortcut")
    conv = shortcut.get_submodule("1")
    assert isinstance(conv, nn.Conv2d)
    x = torch.randn(2, 4, 7, 7)
    strided = nn.functional.conv2d(x, conv.weight, stride=2)
    assert torch.allclose(conv(shortcut.get_submodule("0")(x)), strided, atol=1e-6)


def test_resnet_blocks_start_as_the_identity() -> None:
    model = build("resnet", depth=10)
    block = model.get_submodule("stages.0").eval()
    x = torch.rand(2, 4, 8, 8)
    assert torch.equal(block(x), x)


def test_simple_cnn_hidden_layer_does_not_grow_with_the_images() -> None:
    assert parameters(build("simple_cnn", size=32)) == parameters(build("simple_cnn", size=256))


def test_a_name_is_registered_once() -> None:
    MODELS.find("resnet")  # loads the built-in ones
    with pytest.raises(TrainingError, match="simple_cnn: a name is registered once"):
        register_model("simple_cnn")(nn.Identity)


def test_an_unknown_name_shows_the_nearest() -> None:
    with pytest.raises(TrainingError, match="did you mean resnet"):
        MODELS.find("resnt")


def test_a_registered_model_is_found_by_name() -> None:
    register_model("of_this_test")(nn.Identity)
    try:
        assert MODELS.find("of_this_test") is nn.Identity
    finally:
        MODELS.forget({"of_this_test"})
