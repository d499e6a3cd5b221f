"""Folders that may lie among images and hold none to train on: what programs leave there, recognised by their files."""

from contextlib import suppress
from pathlib import Path

HOME = "a home of hpo"

_SIGNS = (  # files or folders that lie in it, all of them, and what it is then; a class may have any name
    (("studies.db",), HOME),
    (("mlflow.db",), HOME),
    (("cache/.locks",), HOME),
    (("study.json", "space.yaml"), "a study of hpo"),
    (("config.json", "run.json"), "a run of hpo"),
    (("manifest.json", "model.onnx"), "an exported model"),
    ((".locks", ".seen"), "a cache of hpo"),
    (("0/meta.yaml",), "a store of MLflow"),
    (("pyvenv.cfg",), "a virtual environment"),
    (("conda-meta",), "a conda environment"),
)


def kept_apart(folder: Path) -> str | None:
    """What `folder` is other than a folder of images; None where it may be one, or may not be looked at."""
    for signs, kind in _SIGNS:
        with suppress(PermissionError):
            if all((folder / sign).exists() for sign in signs):
                return kind
    return None
