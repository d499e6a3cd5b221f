"""What a release says of itself: one version everywhere, the Pythons it is tried on, the checks that guard it."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import hpo
from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def read_yaml(name: str) -> Any:
    return YAML(typ="safe").load(ROOT / name)


def test_one_version_is_said_everywhere() -> None:
    assert "version" in PROJECT["dynamic"]  # from common/version.py
    newest, date = re.findall(r"^## \[(\d\S*)\] - (\S+)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)[0]
    citation = read_yaml("CITATION.cff")
    assert newest == hpo.__version__ == str(citation["version"])
    assert date == str(citation["date-released"])
    assert PROJECT["license"] == citation["license"]


def test_the_command_and_the_records_say_the_version_of_this_tree() -> None:
    """Not that of a distribution which happens to be installed: nothing of one is read here."""
    code = """
import importlib.metadata, sys
def version(name): raise importlib.metadata.PackageNotFoundError(name)
importlib.metadata.version = version
from hpo.studies.files import versions
from hpo.search.cli import main
assert set(versions()) == {"python", "hpo"}
sys.argv = ["hpo", "--version"]
main()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == f"hpo {hpo.__version__}, Python {sys.version.split()[0]}"


def test_every_python_that_is_promised_is_tried_by_ci() -> None:
    classifier = "Programming Language :: Python :: "
    promised = [line.removeprefix(classifier) for line in PROJECT["classifiers"] if line.startswith(classifier)]
    job = read_yaml(".github/workflows/ci.yml")["jobs"]["all"]
    assert job["strategy"]["matrix"]["python"] == promised
    assert PROJECT["requires-python"] == f">={promised[0]}"
    assert job["steps"][-1] == {"run": ".ci/run"}


def test_what_is_checked_before_a_commit_is_what_make_checks() -> None:
    (repository,) = read_yaml(".pre-commit-config.yaml")["repos"]
    assert repository["repo"] == "local"  # nothing is downloaded
    makefile = (ROOT / "Makefile").read_text()
    (parts,) = re.findall(r"^check: (.*)$", makefile, re.MULTILINE)
    recipes = "".join(re.findall(rf"^(?:{parts.replace(' ', '|')}):.*\n((?:\t.*\n)+)", makefile, re.MULTILINE))
    made = [line.strip().replace("$(BIN)", ".venv/bin").removesuffix(" .") for line in recipes.splitlines()]
    assert [hook["entry"] for hook in repository["hooks"]] == made


def test_the_licence_is_the_one_that_is_named() -> None:
    assert PROJECT["license-files"] == ["LICENSE"]
    title = " ".join((ROOT / "LICENSE").read_text().split()[:4])
    assert f"{title}" == "Apache License Version 2.0,"
    assert PROJECT["license"] == "Apache-2.0"
