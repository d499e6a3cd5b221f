"""docs/my-own-model.md: its commands run, its messages are those that are said."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hpo.errors import HpoError
from hpo.search.configuration.example import example_config
from hpo.search.resolve.trust import name_space
from hpo.spaces.load import load_space
from hpo.training.config import TrialConfig
from hpo.training.data.pack import Pack
from hpo.training.preflight.try_model import check_model

from .conftest import Reader

GUIDE = "my-own-model.md"
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
}


@pytest.mark.slow
def test_the_guide_works_as_written(reader: Reader) -> None:
    outputs = reader.follow(GUIDE)
    assert "./mynet.py:MyNet" in outputs[-1]
    shown = reader.run("sh", "hpo show; hpo show mysearch")
    assert "families" in shown
    assert "activation=" in shown


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
    loaded = load_space(str(space), TrialConfig, [override])
    name_space(loaded, print)
    check_model(example_config(loaded), Pack.open(pack))


def test_every_message_of_the_guide_is_tried(text_of: TextOf) -> None:
    table = text_of(GUIDE).split("## What may go wrong")[1]
    assert len(re.findall(r"^\| `", table, re.MULTILINE)) == len(MISTAKES)
