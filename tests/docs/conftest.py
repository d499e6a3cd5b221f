"""Guides are tests: what they tell their reader to write and type is written and typed here, in order."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from hpo.search.configuration.space_file import SpaceFile
from hpo.spaces.load import load_space

from ..warm.client import ADDRESS
from ..warm.client import run as run_warm

DOCS = Path(__file__).parents[2] / "docs"
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_TITLE = re.compile(r"# (\S+\.(?:py|yaml))\n")


@dataclass(frozen=True)
class Reader:
    """Someone who follows a guide to the letter in a directory of their own.

    Attributes:
        programs: folder of commands that come first on their path.
        run_flags: are given to each search of a guide.
        cnn_flags: are given to those of the bundled space that say no width.
    """

    directory: Path
    programs: Path
    run_flags: str = ""
    cnn_flags: str = ""

    def follow(self, guide: str) -> list[str]:
        """Load each `yaml` block, run each `sh` and `python` one; a block that begins `# name.py` is kept as that file.

        The standard output of each block that was run is returned.
        """
        outputs = []
        for language, text in _BLOCK.findall((DOCS / guide).read_text(encoding="utf-8")):
            title = _TITLE.match(text)
            if language == "yaml":
                load_space(str(self.write(title[1] if title else "block.yaml", text)), SpaceFile)
            elif language == "python" and title:
                self.write(title[1], text)
            elif language in ("python", "sh"):
                outputs.append(self.run(language, text))
            else:
                raise AssertionError(f"{guide}: a block of {language}, which nobody tries")
        return outputs

    def write(self, name: str, text: str) -> Path:
        path = self.directory / name
        path.write_text(text)
        return path

    def run(self, language: str, text: str) -> str:
        """Run a block; its standard output."""
        place: dict[str, Any] = {"cwd": self.directory, "env": self._environment()}
        if language == "sh":
            text = re.sub(r"hpo run --space simple_cnn (?!.*model\.width)", rf"\g<0>{self.cnn_flags} ", text)
            command = ["bash", "-e", "-c", re.sub(r"hpo (run|estimate) ", rf"\g<0>{self.run_flags} ", text)]
            done = subprocess.run(command, **place, capture_output=True, text=True, check=False)
        else:
            done = run_warm([self.write("block.py", text)], **place)
        assert done.returncode == 0, f"{text}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def _environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("HPO_", "MLFLOW_"))}
        path = os.pathsep.join([str(self.programs), str(Path(sys.executable).parent), kept.get("PATH", "")])
        data = str(self.directory / "no-data")
        return {**kept, ADDRESS: os.environ[ADDRESS], "PATH": path, "HPO_DATA_ROOT": data, "OMP_NUM_THREADS": "1"}


@pytest.fixture
def beginner(tmp_path: Path, warm: Path) -> Reader:
    """A reader who has nothing yet, and whose trials run in worker processes."""
    return Reader(tmp_path, warm)


@pytest.fixture
def reader(beginner: Reader, migrated: Path) -> Reader:
    """A reader whose home has a fresh MLflow file, and whose trials run inline and are of a small network.

    Each spares seconds of every guide.
    """
    home = beginner.directory / "runs"
    home.mkdir()
    shutil.copy(migrated, home / "mlflow.db")
    return replace(beginner, run_flags="--executor inline", cnn_flags="--set model.width=16")


@pytest.fixture
def text_of() -> Callable[[str], str]:
    """The text of a guide."""
    return lambda guide: (DOCS / guide).read_text(encoding="utf-8")
