"""The server where only its own packages are installed: no torch, no optuna, no mlflow, no typer."""

import json
import os
import re
import subprocess
import sys
import time
import tomllib
import urllib.request
from collections.abc import Callable
from dataclasses import fields
from importlib.metadata import requires
from pathlib import Path
from typing import Any

import pytest
from hpo.serving.flags import ServeFlags
from hpo.serving.monitor.options import MonitorOptions
from hpo.serving.options import Folder, ServeOptions
from hpo.serving.start import serve_options

from ..warm.client import run
from .conftest import png

ROOT = Path(__file__).parents[2]
FORBIDDEN = {"torch", "torchvision", "optuna", "mlflow", "typer", "sklearn", "onnx"}
_CALLS = {
    "python -m hpo.serving": ["-m", "hpo.serving"],
    "hpo serve": ["-c", "from hpo.search.cli import main; main()", "serve"],
}
_MONITOR_FLAGS = ("false_alarm_every", "watch_per_second", "keep_days", "keep_rows", "thumbnails")


def test_serving_imports_none_of_the_search() -> None:
    script = "import sys, hpo.serving.__main__, hpo.serving.workers; print(' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert not FORBIDDEN & set(done.stdout.split())


@pytest.mark.usefixtures("warm")
def test_it_has_the_flags_of_hpo_serve() -> None:
    """Which are its own, less where a study or an alias of the registry is looked up."""
    here = flags(*_CALLS["python -m hpo.serving"])
    assert flags(*_CALLS["hpo serve"]) - here == {"--home", "--tracking-uri"}
    assert here >= {"--log", "--false-alarm-every", "--challenger", "--shadow"}


@pytest.mark.usefixtures("warm")
@pytest.mark.parametrize("call", _CALLS.values(), ids=_CALLS)
def test_a_flag_means_the_same_in_both(call: list[str], export: Path) -> None:
    told = asked(*call, str(export), "--port", "0", "--challenger", str(export), "--share", "2")
    assert told.stderr == "error: --share must be above 0 and below 1, got 2.0\n"
    assert told.returncode == 2
    told = asked(*call, str(export), "--port", "0", "--false-alarm-every", "3")
    assert told.stderr == "error: --false-alarm-every must be at least 100 predictions, got 3\n"
    assert told.returncode == 2


def test_flags_begin_with_what_the_options_begin_with() -> None:
    options = serve_options(ServeFlags(), Folder(Path()), lambda name: Folder(Path(name)))
    assert options == ServeOptions(Folder(Path()), threads=options.threads)
    kept = {each.name: each.default for each in fields(MonitorOptions)}
    assert kept.items() >= {name: getattr(ServeFlags(), name) for name in _MONITOR_FLAGS}.items()


@pytest.mark.slow
def test_it_serves_with_the_packages_of_its_group_alone(export: Path, tmp_path: Path) -> None:
    environment = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(environment)], check=True)
    python = environment / "bin" / "python"
    install = [sys.executable, "-m", "pip", "--python", python, "install", "-q", "--no-deps", "--no-build-isolation"]
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
        assert answer(request)["predictions"][0]["class"] == "bright"
        _wait(lambda: answer(f"{address[0]}monitor")["counts"]["total"] == 1)  # a report is made every two seconds
        told = answer(f"{address[0]}monitor")
        assert told["mix"] == {"dark": 0.0, "medium": 0.0, "bright": 1.0}
        assert told["expected"] is None  # one prediction is too few to compare
    finally:
        server.terminate()
        server.communicate(timeout=30)
    assert server.returncode == 0
    assert (tmp_path / "predictions.db").is_file()
    missing = [name for name in FORBIDDEN if subprocess.run([python, "-c", f"import {name}"], env=clean,
               capture_output=True, check=False).returncode]  # fmt: skip
    assert set(missing) == FORBIDDEN


def flags(*command: str) -> set[str]:
    """What the help of `command` lists."""
    return set(re.findall(r"(?<!\S)--[a-z][a-z-]+", asked(*command, "--help").stdout)) - {"--help"}


def asked(*command: str) -> "subprocess.CompletedProcess[str]":
    return run([*command], env={**os.environ, "COLUMNS": "200"})


def answer(request: urllib.request.Request | str) -> Any:
    """The JSON that the server answers with; past any proxy."""
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30) as found:
        return json.load(found)


def _wait(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.2)


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
