"""Folders of programs that may lie among images, recognised by their files."""

from contextlib import suppress
from pathlib import Path

HOME = "a home of hpo"

_SIGNS = (  # files or folders that all lie in it, and what it is then; not its name: a class may have any
    (("studies.db",), HOME),
    (("mlflow.db",), HOME),
    (("cache/.locks",), HOME),
    (("study.json", "space.yaml"), "a study of hpo"),
    (("config.json", "run.json"), "a training of hpo"),
    (("manifest.json", "model.onnx"), "an exported model"),
    ((".locks", ".seen"), "a cache of hpo"),
    (("0/meta.yaml",), "a store of MLflow"),
    (("pyvenv.cfg",), "a virtual environment"),
    (("conda-meta",), "a conda environment"),
)


def kept_apart(folder: Path) -> str | None:
    """Return what `folder` is other than a folder of images.

    None where it may be one, or may not be read.
    """
    for signs, kind in _SIGNS:
        with suppress(PermissionError):
            if all((folder / sign).exists() for sign in signs):
                return kind
    return None
