"""From what the user wrote after `--data` to a source."""

import os
from pathlib import Path

from ....errors import DataError
from . import cifar, digits, idx  # noqa: F401 - importing them registers their sources
from .base import SOURCES, Found, by_name
from .folder import folder
from .labels import Columns, labels, table_files

DATA_ROOT = Path("~/.cache/hpo/data")


def find(name: str, data_root: Path | None = None, columns: Columns | None = None) -> Found:
    """The registered data set `name`, or the folder or CSV file of that path; a registered name wins over a path.

    `data_root` is where public data sets lie and are downloaded to: the argument, else HPO_DATA_ROOT, else
    ~/.cache/hpo/data. `columns` are for CSV files.

    Raises:
        DataError: there is no such data set, folder or file, or it cannot be used, or columns of what has none are
            named.
    """
    asked = columns or Columns()
    path = Path(name).expanduser().absolute()
    is_path = os.sep in name or name.startswith(("~", ".")) or path.exists()
    tables = table_files(path) if is_path and name not in SOURCES else {}
    if tables:
        return labels(path, tables, asked)
    if asked != Columns():
        raise DataError(f"data: columns can be named for a CSV file only, and {name} is none and holds no labels.csv")
    if name not in SOURCES and is_path:
        return folder(path)
    root = (data_root or Path(os.environ.get("HPO_DATA_ROOT") or DATA_ROOT)).expanduser().absolute()
    return by_name(name, root)
