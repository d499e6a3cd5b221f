"""The data source that a user named after `--data`."""

import os
from dataclasses import replace
from pathlib import Path

from ....errors import DataError
from .base import SOURCES, DataSource, by_name
from .classes import Wanted, of_classes
from .columns import TableOptions
from .folder import folder
from .labels import labels, table_files
from .spelling import on_disk

DATA_ROOT = Path("~/.cache/hpo/data")


def find(
    name: str, data_root: Path | None = None, tables: TableOptions | None = None, classes: Wanted = None
) -> DataSource:
    """Return the data set, folder or CSV file `name`.

    A registered name wins over a path.

    `data_root` is where public data sets lie and are downloaded to: the argument, else HPO_DATA_ROOT, else
    ~/.cache/hpo/data. `tables` are for CSV files; `classes` are those to use, None for all.

    Raises:
        DataError: there is no such data set, folder or file, or it cannot be used, or options of a table are given for
            what is none.
    """
    options = tables or TableOptions()
    path = on_disk(Path(name).expanduser().absolute())
    is_path = os.sep in name or name.startswith(("~", ".")) or path.exists()
    files = table_files(path) if is_path and name not in SOURCES else {}
    if files:
        return labels(path, files, options, classes)
    if options != TableOptions():
        raise DataError(
            f"data: columns, images and encoding are of a CSV file, and {name} is none and holds no labels.csv"
        )
    if name not in SOURCES and is_path:
        return folder(path, classes)
    root = (data_root or Path(os.environ.get("HPO_DATA_ROOT") or DATA_ROOT)).expanduser().absolute()
    data_source = by_name(name, root)
    if classes is None:
        return data_source
    return replace(data_source, read=lambda progress: of_classes(name, data_source.read(progress), classes))
