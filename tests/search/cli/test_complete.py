"""`hpo --version`, and what a shell is told when the tab key is pressed, without torch or Optuna."""

import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

CODE = "from hpo.search.cli import main\nmain()"
LISTING = "import atexit, sys\natexit.register(lambda: print(' '.join(sys.modules), file=sys.stderr))\n" + CODE


def hpo(folder: Path, *arguments: str, code: str = CODE, **variables: str) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-c", code, *arguments]
    environment = {**os.environ, **variables}
    return subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, check=True)


@pytest.mark.parametrize(
    ("line", "completed"),
    [
        ("hpo sho", {"show"}),
        ("hpo show di", {"digits", "digits 2"}),
        ("hpo retrain-best --home elsewhere di", set()),
        ("hpo run --space mi", {"mine.yaml"}),
        ("hpo run --space res", {"resnet"}),
        ("hpo check simple", {"simple_cnn"}),
        ("hpo models tor", {"torchvision"}),
        ("hpo run --space resnet --set optimizer.sgd.m", {"optimizer.sgd.momentum=", "optimizer.sgd.max_grad_norm=",
                                                         "optimizer.sgd.max_grad_value="}),
        ("hpo train --set optimizer.mom", {"optimizer.momentum="}),
    ],
)  # fmt: skip
def test_what_is_completed(tmp_path: Path, line: str, completed: set[str]) -> None:
    for study in ("digits", "digits 2", "other"):
        (tmp_path / "runs" / study).mkdir(parents=True)
        (tmp_path / "runs" / study / "study.json").write_text("{}")
    (tmp_path / "mine.yaml").write_text("seed: 1")
    asked = {"_HPO_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(len(line.split()) - 1)}
    done = hpo(tmp_path, code=LISTING, **asked)
    assert set(filter(None, done.stdout.splitlines())) == completed
    assert not {"torch", "optuna", "mlflow", "sqlalchemy", "numpy"} & set(done.stderr.split())


def test_the_versions(tmp_path: Path) -> None:
    told = hpo(tmp_path, "--version", code=LISTING)
    assert told.stdout.startswith(f"hpo {version('hpo')}, Python {sys.version.split()[0]}, torch {version('torch')}")
    assert "torch" not in told.stderr.split()
