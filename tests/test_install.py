"""`.ci/install.py`, which `make` installs with: by uv as pip was told to, and by pip where there is no uv."""

import os
import runpy
import subprocess
import sys
import venv
import zipfile
from importlib.util import find_spec
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / ".ci" / "install.py"
LISTED = """\
:env:.find-links='/links more/of'
freeze.find-links='/not/for/install'
global.cert='/certs.pem'
global.extra-index-url='file:///one file:///two'
install.constraint='/constraints.txt'
install.no-index='true'
user.name='nobody'
"""


def test_uv_is_told_what_pip_was_told() -> None:
    script = runpy.run_path(str(SCRIPT))
    settings = script["pip_settings"](LISTED)
    assert script["flags"](settings) == [
        "--find-links=/links",
        "--find-links=more/of",
        "--index=file:///one",
        "--index=file:///two",
        "--constraint=/constraints.txt",
        "--no-index",
        "--index-strategy=unsafe-best-match",
    ]
    assert script["variables"](settings) == {"SSL_CERT_FILE": "/certs.pem"}
    assert script["flags"](script["pip_settings"]("")) == ["--index-strategy=unsafe-best-match"]


def write_wheel(folder: Path) -> None:
    """A package `tiny` of one module, as a wheel."""
    with zipfile.ZipFile(folder / "tiny-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("tiny.py", "ANSWER = 42\n")
        wheel.writestr("tiny-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n")
        wheel.writestr("tiny-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr("tiny-1.0.dist-info/RECORD", "tiny.py,,\n")


@pytest.mark.slow
@pytest.mark.parametrize("installer", ["uv", "pip"])
def test_a_package_is_installed_from_where_pip_looks(installer: str, tmp_path: Path) -> None:
    uv = find_spec("uv")
    if installer == "uv" and (uv is None or uv.origin is None):
        pytest.skip("uv is not installed here")
    write_wheel(tmp_path)
    venv.create(tmp_path / "venv", with_pip=True)
    python = tmp_path / "venv" / "bin" / "python"
    told = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(tmp_path), "PIP_CONFIG_FILE": os.devnull}
    if installer == "uv" and uv is not None and uv.origin is not None:
        told["PYTHONPATH"] = str(Path(uv.origin).parents[1])  # else it cannot be had: there is no index
    environment = {**os.environ, **told}
    done = subprocess.run([python, SCRIPT, "tiny"], env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    asked = [python, "-P", "-c", "import tiny; print(tiny.ANSWER)"]
    told_by = subprocess.run(asked, capture_output=True, text=True, check=True, env={**os.environ, "PYTHONPATH": ""})
    assert told_by.stdout.startswith("42")
    record = next((tmp_path / "venv").rglob("tiny-1.0.dist-info/INSTALLER"))
    assert record.read_text().strip() == installer


def test_a_package_that_is_not_there_fails(tmp_path: Path) -> None:
    told = {"PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": os.devnull, "PYTHONPATH": ""}
    command = [sys.executable, SCRIPT, "no-such-package-of-anybody"]
    done = subprocess.run(command, env={**os.environ, **told}, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "no-such-package-of-anybody" in done.stderr
