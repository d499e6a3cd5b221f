"""Atomic writing of small files, and the files of a study."""

import json
import platform
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from ..common.atomic import write_atomic
from ..common.version import __version__
from ..errors import StudyError
from .git_state import git_state
from .home import Home
from .study_name import is_study_name

SPACE_FILE, STUDY_FILE = "space.yaml", "study.json"
# those that decide a result or read what hpo writes; a whole list would bury them in a notebook's hundreds
_PACKAGES = ("torch", "torchvision", "optuna", "mlflow", "numpy", "scikit-learn")


def write_text(path: Path, text: str) -> None:
    """Write `text` to `path`, whole or not at all.

    It is on the disk when this returns. The directory is created.

    Raises:
        StudyError: the disk is full, or the place cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, text.encode())
    except OSError as error:
        raise StudyError(f"{path}: cannot be written: {error.strerror or error}") from error


def write_json(path: Path, value: Any) -> None:
    """Write `value` as indented JSON, like `write_text`."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def versions() -> dict[str, str]:
    """Versions of Python, hpo and the packages that decide a result.

    A package that is not installed is left out. Nothing is imported: torch alone would take seconds.
    """
    installed = {"python": platform.python_version(), "hpo": __version__}
    for package in _PACKAGES:
        try:
            installed[package] = version(package)
        except PackageNotFoundError:
            continue
    return installed


def write_study_files(
    home: Home,
    study: str,
    *,
    space: str,
    seed: int,
    data_fingerprint: str,
    device: str,
    command: str,
    extra: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Write `space.yaml` and `study.json` of `study`, and return the latter's content.

    The first is the space as run, the second how it was run.

    Raises:
        StudyError: the home cannot be written.
    """
    note: dict[str, Any] = {
        "study": study,
        "seed": seed,
        "command": command,
        "device": device,
        "data_fingerprint": data_fingerprint,
        "versions": versions(),
        "git": git_state(Path.cwd()),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        **(extra or {}),
    }
    write_text(home.study(study) / SPACE_FILE, space)  # the text itself: a YAML writer would lose its comments
    write_json(home.study(study) / STUDY_FILE, note)
    return note


def noted_run(home: Home, study: str) -> dict[str, Any]:
    """What the newest run of a study has noted of itself in this home; {} where that was in another."""
    if not is_study_name(study):  # no other study has a folder
        return {}
    try:
        noted = json.loads(home.study(study, STUDY_FILE).read_text())
    except (OSError, ValueError):
        return {}
    return noted if isinstance(noted, dict) else {}
