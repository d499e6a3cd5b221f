"""docs/models.md: its commands run, its numbers are right, its messages are those that are said."""

import ast
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pytest
from hpo.errors import HpoError
from hpo.search.configuration.example import example_config
from hpo.spaces.load import load_space
from hpo.training.config import TrialConfig
from hpo.training.data.pack import Pack
from hpo.training.models.build import build_model
from hpo.training.models.config import InitName, NormName, ResNet, SimpleCnn, Timm, Torchvision
from hpo.training.preflight.try_model import check_model

from .conftest import Reader

GUIDE = "models.md"
TextOf = Callable[[str], str]

MISTAKES = {
    "model={name: mynet}": "no variant 'mynet'; choose from resnet, simple_cnn, timm, torchvision",
    "model={name: resnet, depth: 19}": "model.depth: must be 10, 14, 18, 20, 32 or 34, got 19",
    "model={name: torchvision, arch: resnet81}": "torchvision has no classifier resnet81; did you mean resnet18",
    "model={name: torchvision, arch: alexnet}": "alexnet takes no images of 8 px; set data.image_size to 64,"
    " which works",
    "model={name: torchvision, arch: resnet50, pretrained: IMAGENET1K_V3}": "torchvision has no weights"
    " IMAGENET1K_V3 of resnet50; choose from IMAGENET1K_V1, IMAGENET1K_V2",
    "model={name: torchvision, pretrained: true}": "must be on this disk or reachable",
    "model={name: torchvision, backbone_lr: 0}": "backbone_lr must be > 0 without pretrained",
}


@pytest.mark.slow
def test_the_guide_works_as_written(reader: Reader) -> None:
    (listed,) = reader.follow(GUIDE)
    own, torchvision = listed.split("torchvision/", maxsplit=1)
    assert "simple_cnn" in own
    assert "resnet18" in torchvision
    assert "11.7 M" in torchvision


def test_the_numbers_of_weights(text_of: TextOf) -> None:
    rows = re.findall(r"^\| `\{(name: .*)\}` \| (\d+)x\d+ (grey|colour) \| ([\d,]+) \|", text_of(GUIDE), re.MULTILINE)
    assert len(rows) == 5
    for fields, size, color, weights in rows:
        config = _model(dict(field.split(": ") for field in fields.split(", ")))
        channels = {"grey": 1, "colour": 3}[color]
        model = build_model(config, num_classes=10, in_channels=channels, image_size=int(size))
        assert f"{sum(p.numel() for p in model.parameters()):,}" == weights, fields


def _model(fields: dict[str, str]) -> SimpleCnn | ResNet:
    values: dict[str, Any] = {key: value if key == "name" else ast.literal_eval(value) for key, value in fields.items()}
    return (SimpleCnn if fields["name"] == "simple_cnn" else ResNet).model_validate(values)


FINE_TUNING = {"pretrained", "backbone_lr", "layer_decay"}
TABLES = {  # heading: the section of a configuration, and the fields that it shares with others
    "## simple_cnn": (SimpleCnn(), FINE_TUNING | {"norm", "init"}),
    "## resnet": (ResNet(), FINE_TUNING | {"norm", "init"}),
    "## Norms and initialisation": (ResNet(), FINE_TUNING | {"depth", "width", "dropout", "stem"}),
    "## torchvision and timm": (Torchvision(), FINE_TUNING),
    "## Trained weights": (Timm(), {"arch", "dropout"}),
}


@pytest.mark.parametrize("heading", TABLES)
def test_the_tables_name_every_field_with_its_default(heading: str, text_of: TextOf) -> None:
    section, elsewhere = TABLES[heading]
    part = text_of(GUIDE).split(f"{heading}\n")[1].split("\n## ")[0].split("| norm |")[0]
    rows = dict(re.findall(r"^\| `(\w+)` \| ([\w.]+) \| ", part, re.MULTILINE))
    defaults = section.model_dump(exclude={"name", *elsewhere})
    words = {None: "null", True: "true", False: "false"}
    assert rows == {
        key: words[value] if value is None or isinstance(value, bool) else str(value) for key, value in defaults.items()
    }


def test_every_norm_and_scheme_is_explained(text_of: TextOf) -> None:
    for name in (*get_args(NormName), *get_args(InitName)):
        assert f"`{name}`" in text_of(GUIDE)


@pytest.mark.parametrize("mistake", MISTAKES)
def test_the_messages_of_the_guide(
    mistake: str, text_of: TextOf, tmp_path: Path, digits_pack: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr("torch.hub.urlopen", _no_network)
    words = MISTAKES[mistake]
    assert words in text_of(GUIDE)
    (tmp_path / "space.yaml").write_text("data: {source: digits}\n")
    with pytest.raises(HpoError) as caught:
        check_model(
            example_config(load_space(str(tmp_path / "space.yaml"), TrialConfig, [mistake])), Pack.open(digits_pack)
        )
    assert words in str(caught.value)
    assert len(str(caught.value).splitlines()) <= 3


def _no_network(*_: object) -> None:
    raise OSError("Name or service not known")


def test_every_message_of_the_guide_is_tried(text_of: TextOf) -> None:
    table = text_of(GUIDE).split("## What may go wrong")[1]
    assert len(re.findall(r"^\| `", table, re.MULTILINE)) == len(MISTAKES)
