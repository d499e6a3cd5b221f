"""From what the user wrote after `--data` to a source."""

import os
from pathlib import Path

from . import cifar, digits, idx  # noqa: F401 - importing them registers their sources
from .base import SOURCES, Found, by_name
from .folder import folder

DATA_ROOT = Path("~/.cache/hpo/data")


def find(name: str, data_root: Path | None = None) -> Found:
    """The registered data set `name`, or the folder of that path; a registered name wins over a folder (`./name`).

    `data_root` is where public data sets lie and are downloaded to: the argument, else HPO_DATA_ROOT, else
    ~/.cache/hpo/data.

    Raises:
        DataError: there is no such data set or folder, or it cannot be used.
    """
    root = (data_root or Path(os.environ.get("HPO_DATA_ROOT") or DATA_ROOT)).expanduser().absolute()
    path = Path(name).expanduser()
    is_path = os.sep in name or name.startswith(("~", ".")) or path.exists()
    return folder(path.absolute()) if name not in SOURCES and is_path else by_name(name, root)
