"""docs/models.md: its commands run, its numbers are right, its messages are those that are said."""

import ast
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hpo.errors import HpoError
from hpo.search.run import example_config
from hpo.spaces.load import load_space
from hpo.training.config import ResNet, SimpleCnn, TrialConfig
from hpo.training.data.pack import Pack
from hpo.training.models.registry import build_model
from hpo.training.probe import check_model

from .conftest import Reader

GUIDE = "models.md"
TextOf = Callable[[str], str]

SEARCH = "data: {source: digits}\nmodel: {name: ./mynet.py:MyNet}\n"
MISTAKES = {
    "model.name=./mynet.py:MyNt": "mynet.py:MyNt: the file has no MyNt; did you mean MyNet?",
    "model.name=./mynt.py:MyNet": "cannot read /home/me/mynt.py (No such file or directory); did you mean mynet.py?",
    "model.layer=3": "does not take the argument layer; did you mean layers?",
    "model={name: ./needs.py:MyNet}": "needs the argument hidden; give it beside the name",
    "model.num_classes=10": "num_classes comes from the data; remove it from the space",
    "model={name: ./lacks.py:MyNet}": "must take num_classes and in_channels; mynet.py:MyNet lacks num_classes",
    "model.activation=tanh": "mynet.py:8: KeyError: 'tanh'",
    "model={name: ./maps.py:MyNet}": "must give logits [batch, classes], here [2, 10], got [2, 16, 8, 8]",
    "model={name: mynet}": "no variant 'mynet'; choose from resnet, simple_cnn, or path/to/file.py:Name for your own",
    "model={name: resnet, depth: 19}": "model.depth: must be 10, 14, 18, 20, 32 or 34, got 19",
}


@pytest.mark.slow
def test_the_guide_works_as_written(reader: Reader) -> None:
    reader.follow(GUIDE)
    shown = reader.run("sh", "hpo show; hpo show mysearch")
    assert "families" in shown
    assert "activation=" in shown


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


def test_the_tables_name_every_field_with_its_default(text_of: TextOf) -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| ([\w.]+) \| ", text_of(GUIDE).split("## resnet")[1], re.MULTILINE))
    assert rows == {key: str(value) for key, value in ResNet().model_dump(exclude={"name"}).items()}
    rows = dict(re.findall(r"^\| `(\w+)` \| ([\w.]+) \| ", text_of(GUIDE).split("## resnet")[0], re.MULTILINE))
    assert rows == {key: str(value) for key, value in SimpleCnn().model_dump(exclude={"name"}).items()}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_the_messages_of_the_guide(mistake: str, text_of: TextOf, tmp_path: Path, digits_pack: Path) -> None:
    words = MISTAKES[mistake]
    assert words in text_of(GUIDE)
    mynet = re.findall(r"```python\n(# mynet\.py\n.*?)```", text_of(GUIDE), re.DOTALL)[0]
    files = {
        "mynet.py": mynet,
        "needs.py": mynet.replace("layers=2", "hidden"),
        "lacks.py": mynet.replace("num_classes, in_channels, ", "in_channels, "),
        "maps.py": mynet.replace("self.head(self.body(images).mean(dim=(2, 3)))", "self.body(images)"),
        "space.yaml": SEARCH,
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    override = mistake.replace("./", f"{tmp_path}/")
    with pytest.raises(HpoError) as caught:
        _try(tmp_path / "space.yaml", override, digits_pack)
    said = str(caught.value).replace(str(tmp_path), "/home/me").replace("/home/me/lacks.py", "mynet.py")
    assert words in said


def _try(space: Path, override: str, pack: Path) -> None:
    """What `hpo run` does with a model before a study is made."""
    check_model(example_config(load_space(str(space), TrialConfig, [override])), Pack.open(pack))


def test_every_message_of_the_guide_is_tried(text_of: TextOf) -> None:
    table = text_of(GUIDE).split("## What may go wrong")[1]
    assert len(re.findall(r"^\| `", table, re.MULTILINE)) == len(MISTAKES)
