"""Guides are tests: what they tell their reader to write and type is written and typed here, in order."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from hpo.spaces.load import load_space
from hpo.training.config import TrialConfig

DOCS = Path(__file__).parents[2] / "docs"
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_TITLE = re.compile(r"# (\S+\.(?:py|yaml))\n")


@dataclass(frozen=True)
class Reader:
    """Someone who follows a guide to the letter in a directory of their own."""

    directory: Path

    def follow(self, guide: str) -> list[str]:
        """Load each `yaml` block, run each `sh` and `python` one; a block that begins `# name.py` is kept as that file.

        The standard output of each block that was run is returned.
        """
        outputs = []
        for language, text in _BLOCK.findall((DOCS / guide).read_text(encoding="utf-8")):
            title = _TITLE.match(text)
            if language == "yaml":
                load_space(str(self.write(title[1] if title else "block.yaml", text)), TrialConfig)
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
        command = ["bash", "-e", "-c", text] if language == "sh" else [sys.executable, "-c", text]
        environment = _environment(self.directory)
        done = subprocess.run(command, cwd=self.directory, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{text}\n{done.stdout}\n{done.stderr}"
        return done.stdout


def _environment(directory: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("HPO_", "MLFLOW_"))}
    path = os.pathsep.join([str(Path(sys.executable).parent), kept.get("PATH", "")])
    return {**kept, "PATH": path, "HPO_DATA_ROOT": str(directory / "no-data"), "OMP_NUM_THREADS": "1"}


@pytest.fixture
def reader(tmp_path: Path) -> Reader:
    return Reader(tmp_path)


@pytest.fixture
def text_of() -> Callable[[str], str]:
    """The text of a guide."""
    return lambda guide: (DOCS / guide).read_text(encoding="utf-8")
