"""docs/extending.md: each change is made in a copy of the package, and what it adds is used from the command line."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import hpo
import pytest

from ..warm.client import ADDRESS
from ..warm.start import HERE as WARM

GUIDE = "extending.md"
ROOT = Path(hpo.__file__).resolve().parent
ROOMS = ("common", "search", "serving", "spaces", "studies", "training")
TextOf = Callable[[str], str]
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A fenced block of the guide; `path` is the file of the package that it is about, "" for commands."""

    language: str
    path: str
    text: str


def blocks(guide: str) -> Iterator[Block]:
    for language, text in _BLOCK.findall(guide):
        first, _, rest = text.partition("\n")
        path = first.removeprefix("# ") if language != "sh" else ""
        yield Block(language, path, rest if language == "diff" else text)


def edited(text: str, diff: str) -> str:
    """`text` with each hunk of `diff`, apart by `@@`, put in the one place where its old lines stand."""
    for hunk in diff.split("@@\n"):
        lines = [(line[:1], line[1:] + "\n") for line in hunk.splitlines()]
        old = "".join(line for mark, line in lines if mark != "+")
        new = "".join(line for mark, line in lines if mark != "-")
        assert text.count(old) == 1, f"stands {text.count(old)} times:\n{old}"
        text = text.replace(old, new)
    return text


def make_change(package: Path, block: Block) -> None:
    target = package / block.path
    if block.language == "diff":
        target.write_text(edited(target.read_text(encoding="utf-8"), block.text), encoding="utf-8")
    else:
        assert not target.exists(), block.path
        target.parent.mkdir(exist_ok=True)
        target.write_text(block.text, encoding="utf-8")


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A copy of the package that may be changed."""
    package = tmp_path / "python" / "hpo"
    for room in ROOMS:
        shutil.copytree(ROOT / room, package / room, ignore=shutil.ignore_patterns("__pycache__"))
    for file in [*ROOT.glob("*.py"), ROOT / "pyproject.toml"]:
        shutil.copy(file, package)
    return package


def test_every_change_fits_and_every_file_is_in_the_table(package: Path, text_of: TextOf) -> None:
    table = text_of(GUIDE).split("\n\n")[2]
    for block in blocks(text_of(GUIDE)):
        if block.path:
            make_change(package, block)
            if block.path.endswith(".py"):
                compile((package / block.path).read_text(encoding="utf-8"), block.path, "exec")
            folder, _, name = block.path.rpartition("/")
            places = (f"`{folder}/`", f"`{folder.rpartition('/')[0]}/`", f"`{block.path}`", f"`{name}` beside it")
            assert any(place in table for place in places), block.path


COMMAND = """
import os
import sys

for name in [name for name in sys.modules if name.partition(".")[0] == "hpo"]:
    del sys.modules[name]  # a warm start has imported the package that is tested, not the copy
sys.path.insert(0, {parent!r})
os.environ["PYTHONPATH"] = {parent!r}  # for the children; a warm start must have that of the tests until here

from hpo.search.cli import main

assert sys.modules["hpo"].__file__.startswith({parent!r})
main()
"""
"""`hpo` of a copy of the package: libraries may be loaded already, the copy is imported anew."""


def run(text: str, package: Path, directory: Path) -> str:
    """Run commands with an `hpo` of the copy, each in a process that imports it anew; their standard output."""
    bin_folder = package.parent / "bin"
    bin_folder.mkdir(exist_ok=True)
    script, command = bin_folder / "main.py", bin_folder / "hpo"
    script.write_text(COMMAND.format(parent=str(package.parent)))
    start = shlex.join([sys.executable, "-IS", str(WARM / "client.py"), str(script)])
    command.write_text(f'#!/bin/sh\nexec {start} "$@"\n')
    command.chmod(0o755)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("HPO_", "MLFLOW_"))}
    path = os.pathsep.join([str(bin_folder), kept.get("PATH", "")])
    environment = {**kept, ADDRESS: os.environ[ADDRESS], "PATH": path, "OMP_NUM_THREADS": "1"}
    shell = ["bash", "-e", "-c", text.replace("hpo run ", "hpo run --executor inline ")]
    done = subprocess.run(shell, cwd=directory, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{text}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.mark.slow
@pytest.mark.usefixtures("warm")
def test_the_guide_works_as_written(package: Path, tmp_path: Path, migrated: Path, text_of: TextOf) -> None:
    (tmp_path / "runs").mkdir()
    shutil.copy(migrated, tmp_path / "runs" / "mlflow.db")
    outputs = []
    for block in blocks(text_of(GUIDE)):
        if block.language == "sh":
            outputs.append(run(block.text, package, tmp_path))
        else:
            make_change(package, block)
    assert re.search(r"^mlp ", outputs[0], re.MULTILINE)
    told = [json.loads(line) for line in (tmp_path / "runs/told/jsonl/events.jsonl").read_text().splitlines()]
    assert [event["event"] for event in told] == [
        "StudyStarted",
        "TrialStarted",
        "Epoch",
        "Epoch",
        "TrialEnded",
        "StudyEnded",
    ]
    assert (tmp_path / "packed" / "model.onnx.gz").exists()
    assert outputs[-1] == "trial 0: 2 epochs\ntold: 2 epochs\n"
    trained = json.loads((tmp_path / "nesterov" / "config.json").read_text())
    assert trained["optimizer"]["name"] == "nadam"
    study = json.loads((tmp_path / "runs" / "simple_cnn" / "study.json").read_text())
    assert (study["sampler"], study["pruner"]) == ("univariate", "quarter")
