"""The server where only its own packages are installed: no torch, no optuna, no mlflow, no typer."""

import json
import os
import re
import subprocess
import sys
import tomllib
import urllib.request
from importlib.metadata import requires
from pathlib import Path

import pytest

from .conftest import png

ROOT = Path(__file__).parents[2]
FORBIDDEN = {"torch", "torchvision", "optuna", "mlflow", "typer", "sklearn", "onnx", "sqlalchemy"}


def test_serving_imports_none_of_the_search() -> None:
    script = "import sys, hpo.serving.__main__, hpo.serving.workers; print(' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert not FORBIDDEN & set(done.stdout.split())


@pytest.mark.slow
def test_it_serves_with_the_packages_of_its_group_alone(export: Path, tmp_path: Path) -> None:
    environment = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True)
    python = environment / "bin" / "python"
    install = [python, "-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation"]
    _borrow(environment, _closure(tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]["serve"]))
    subprocess.run([*install, str(ROOT)], check=True, env={**os.environ, "PYTHONPATH": _setuptools()})
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [python, "-m", "hpo.serving", str(export), "--port", "0"]
    server = subprocess.Popen(command, cwd=tmp_path, env=clean, stderr=subprocess.PIPE, text=True)
    assert server.stderr is not None
    try:
        line = server.stderr.readline()
        address = re.search(r"http://\S+", line)
        assert address, line + server.stderr.read()
        request = urllib.request.Request(f"{address[0]}predict", png(255), {"Content-Type": "image/png"})
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30) as answer:
            assert json.load(answer)["predictions"][0]["class"] == "bright"
    finally:
        server.terminate()
        server.communicate(timeout=30)
    assert server.returncode == 0
    missing = [name for name in FORBIDDEN if subprocess.run([python, "-c", f"import {name}"], env=clean,
               capture_output=True, check=False).returncode]  # fmt: skip
    assert set(missing) == FORBIDDEN


def _closure(wanted: list[str]) -> set[str]:
    """Names of the packages in `wanted` with all they need themselves."""
    found: set[str] = set()
    waiting = list(wanted)
    while waiting:
        line = waiting.pop()
        name = re.split(r"[^\w.-]", line, maxsplit=1)[0].lower().replace("_", "-")
        if name not in found and "extra ==" not in line:
            try:
                waiting += requires(name) or []
            except ModuleNotFoundError:
                continue  # for another platform or Python
            found.add(name)
    return found


def _borrow(environment: Path, names: set[str]) -> None:
    """Link the installed packages into the environment: nothing is downloaded."""
    from importlib.metadata import distribution

    (site,) = (environment / "lib").glob("*/site-packages")
    for name in names:
        for file in distribution(name).files or ():
            top = file.parts[0]
            source = Path(str(distribution(name).locate_file(top)))
            if top != ".." and source.exists() and not (site / top).exists():
                (site / top).symlink_to(source)


def _setuptools() -> str:
    """Where the build backend lies."""
    import setuptools

    return str(Path(setuptools.__file__).parents[1])
