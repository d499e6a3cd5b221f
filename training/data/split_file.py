"""A split as a file that any program can read and write: a CSV of `path,split`.

    path,split
    cat/0001.png,train
    cat/0002.png,val          train, val, test, or unused

Paths are the names of the images inside their source (numbers where they have no files of their own).
"""

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...errors import DataError
from .sources.base import shown
from .sources.labels import PATH_NAMES, SPLIT_NAMES, UNUSED, split_names
from .sources.table import listed_lines, read_table

Notes = tuple[str, ...]


def read_split(file: Path, names: Sequence[str]) -> tuple[NDArray[np.str_], Notes]:
    """Per image of `names`, the split that `file` gives it, str [N]; "unused" for those it does not name.

    Raises:
        DataError: it is no such CSV file, names an image that is not there, or one image in two splits.
    """
    table = read_table(file)
    listed = [name.replace("\\", "/").removeprefix("./") for name in table.needed("path_column", None, PATH_NAMES)]
    parts = split_names(table, table.needed("split_column", None, SPLIT_NAMES))
    names = [shown(name) for name in names]
    known = set(names)
    unknown = [(line, name) for line, name in zip(table.lines, listed, strict=True) if name not in known]
    if unknown:
        raise DataError(
            f"data.split_file: {file}: every path must be an image of the source; {len(unknown)} are not, "
            f"such as {unknown[0][1]!r}: {listed_lines([line for line, _ in unknown])}"
        )
    said: dict[str, str] = {}
    for line, name, part in zip(table.lines, listed, parts, strict=True):
        if said.setdefault(name, part) != part:
            raise DataError(f"data.split_file: {file}:{line}: {name} must be in one split, got {said[name]} and {part}")
    count = sum(name not in said for name in names)
    left_out = (f"{count} images are not named in {file.name} and are left out",) if count else ()
    return np.array([said.get(name, UNUSED) for name in names]), (*table.notes, *left_out)


def split_text(names: Sequence[str], rows: Mapping[str, NDArray[np.int64]]) -> str:
    """The text of a split file: `rows` are the positions in `names` of each split; the others are unused."""
    parts = [UNUSED] * len(names)
    for part, members in rows.items():
        for row in members:
            parts[row] = part
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("path", "split"))
    writer.writerows(zip(map(shown, names), parts, strict=True))
    return text.getvalue()
