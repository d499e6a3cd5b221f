"""Install what its arguments name into the environment of the Python that runs it: with uv, else with pip.

    python .ci/install.py --editable '.[test]'

uv takes a fraction of the time of pip, but does not know what pip was told (indexes, links, constraints, certificates),
so it is told here. Where uv cannot be had, or fails, pip installs: the result is the same.
"""

import ast
import os
import subprocess
import sys
from collections.abc import Iterator

PIP = [sys.executable, "-m", "pip"]
FLAGS = {
    "index-url": "--default-index",
    "extra-index-url": "--index",
    "find-links": "--find-links",
    "constraint": "--constraint",
    "trusted-host": "--allow-insecure-host",
}
VARIABLES = {"cert": "SSL_CERT_FILE", "timeout": "UV_HTTP_TIMEOUT", "default-timeout": "UV_HTTP_TIMEOUT"}


def main(arguments: list[str]) -> int:
    """Install; the exit code."""
    settings = pip_settings(subprocess.run([*PIP, "config", "list"], capture_output=True, text=True).stdout)
    if quiet([*PIP, "install", "--quiet", "uv"]) == 0:
        environment = {**os.environ, **variables(settings)}
        uv = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--compile-bytecode", "--python", sys.executable]
        if subprocess.run([*uv, *flags(settings), *arguments], env=environment).returncode == 0:
            return 0
        print("uv failed; pip installs", file=sys.stderr)
    return subprocess.run([*PIP, "install", "--quiet", *arguments]).returncode


def pip_settings(listed: str) -> dict[str, str]:
    """The settings of `pip install` in what `pip config list` prints: name -> value; the later line is the stronger."""
    settings = {}
    for line in listed.splitlines():
        name, _, value = line.partition("=")
        section, _, key = name.rpartition(".")
        if section in {"global", "install", ":env:"}:
            settings[key] = ast.literal_eval(value)
    return settings


def flags(settings: dict[str, str]) -> list[str]:
    """The same for uv. pip takes the best version of all indexes, uv the first index that has any unless told."""
    found = [f"{FLAGS[key]}={value}" for key, value in _each(settings) if key in FLAGS]
    offline = ["--no-index"] if settings.get("no-index", "").lower() in {"1", "true", "yes", "on"} else []
    return [*found, *offline, "--index-strategy=unsafe-best-match"]


def variables(settings: dict[str, str]) -> dict[str, str]:
    """What uv takes from its environment alone."""
    return {VARIABLES[key]: value for key, value in settings.items() if key in VARIABLES}


def quiet(command: list[str]) -> int:
    """The exit code of a command that may fail and whose words do not matter then."""
    return subprocess.run(command, capture_output=True).returncode


def _each(settings: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Each value of its own: pip keeps several in one text, apart by white space."""
    for key, values in settings.items():
        for value in values.split():
            yield key, value


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
