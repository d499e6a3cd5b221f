"""What installs an extra, by how hpo was installed: never the project of another that has its name on PyPI."""

import json
import shlex
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import hpo
import pytest
from hpo.common.installation import install_command

ROOT = Path(hpo.__file__).parent


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A folder of packages with the front door of hpo and what pip notes beside it."""
    site = tmp_path / "site"
    notes = site / "hpo-0.1.0.dist-info"
    notes.mkdir(parents=True)
    (notes / "METADATA").write_text(metadata.distribution("hpo").read_text("METADATA") or "")
    (site / "hpo" / "common").mkdir(parents=True)
    for name in ("__init__.py", "common/__init__.py", "common/cores.py", "common/installation.py", "common/version.py"):
        shutil.copy(ROOT / name, site / "hpo" / name)
    return site


def said(site: Path, origin: dict[str, object] | None) -> str:
    if origin is not None:
        (site / "hpo-0.1.0.dist-info" / "direct_url.json").write_text(json.dumps(origin))
    code = "from hpo.common.installation import install_command; print(install_command('timm'))"
    environment = {"PYTHONPATH": str(site)}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=site, env=environment, capture_output=True, text=True, check=True
    )  # not where an hpo.egg-info of a build may lie
    return done.stdout.strip()


def test_from_a_checkout_it_names_the_folder() -> None:
    assert shlex.split(install_command("timm")) == ["pip", "install", "-e", f"{ROOT}[timm]"]


@pytest.mark.parametrize("name", ["hpo-0.1.0-py3-none-any.whl", "a folder"])
def test_from_a_wheel_or_a_folder_it_names_that(site: Path, name: str) -> None:
    origin = site / name
    origin.touch()
    told = said(site, {"url": origin.as_uri(), "archive_info": {}})
    assert shlex.split(told) == ["pip", "install", f"{origin}[timm]"]


@pytest.mark.parametrize(
    "origin",
    [
        None,
        {"url": "file:///gone/hpo-0.1.0-py3-none-any.whl", "archive_info": {}},
        {"url": "https://example.org/hpo.git", "vcs_info": {"vcs": "git"}},
    ],
)
def test_from_elsewhere_it_names_the_packages_themselves(site: Path, origin: dict[str, object] | None) -> None:
    assert said(site, origin) == "pip install 'timm>=1.0'"


def test_no_text_tells_anybody_to_install_the_other_project() -> None:
    texts = [path for folder in ("common", "search", "serving", "spaces", "studies", "training", "docs") for path in
             (ROOT / folder).rglob("*") if path.suffix in {".py", ".md", ".html"}]  # fmt: skip
    others = [path for path in (*texts, ROOT / "README.md") if "install 'hpo[" in path.read_text()]
    assert others == []
