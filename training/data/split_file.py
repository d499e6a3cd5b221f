"""A split as a CSV file of `path,split`.

    path,split
    cat/0001.png,train
    cat/0002.png,val          train, val, test, or unused

Paths are the names of the images inside their source (numbers where they have no files of their own).
"""

import csv
import io
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...common.display import cell as as_cell
from ...common.display import visible
from ...errors import DataError
from .sources.base import shown
from .sources.columns import PATH_NAMES, SPLIT_NAMES, UNUSED, split_names
from .sources.spelling import nfc
from .sources.table import listed_lines, read_table

Notes = tuple[str, ...]


def read_split(file: Path, names: Sequence[str]) -> tuple[NDArray[np.str_], Notes]:
    """Return the split that `file` gives each image of `names`, str [N].

    "unused" for images that it does not name.

    Raises:
        DataError: it is no such CSV file, names an image that is not there, or one image in two splits.
    """
    named = _Names([as_cell(shown(name)) for name in names])
    table = read_table(file, lambda cell: named.key(cell) is not None)
    listed = [(cell, named.key(cell)) for cell in table.needed("path_column", None, PATH_NAMES)]
    parts = split_names(table, table.needed("split_column", None, SPLIT_NAMES))
    unknown = [(line, cell) for line, (cell, key) in zip(table.lines, listed, strict=True) if key is None]
    if unknown:
        raise DataError(
            f"data.split_file: {file}: every path must be an image of the source; {len(unknown)} are not, "
            f"such as {unknown[0][1]!r}: {listed_lines([line for line, _ in unknown])}"
        )
    part_of: dict[str | None, str] = {}
    for line, (cell, key), part in zip(table.lines, listed, parts, strict=True):
        if part_of.setdefault(key, part) != part:
            raise DataError(
                f"data.split_file: {file}:{line}: {visible(cell)} must be in one split, got {part_of[key]} and {part}"
            )
    keys = [named.key(name) for name in named.names]
    count = sum(key not in part_of for key in keys)
    left_out = (f"{count} images are not named in {file.name} and are left out",) if count else ()
    return np.array([part_of.get(key, UNUSED) for key in keys]), (*table.notes, *left_out)


class _Names:
    """The names of images, looked up in any Unicode form.

    Two that differ in that alone are told apart by their own form.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self.names = names
        self._exact = set(names)
        self._counts = Counter(map(nfc, names))

    def key(self, text: str) -> str | None:
        """Return one key for all ways to write an image's name.

        None where there is no such image.
        """
        for spelling in dict.fromkeys((text, text.replace("\\", "/"))):
            name = as_cell(spelling.removeprefix("./"))
            count = self._counts[nfc(name)]
            if count == 1 or name in self._exact:
                return nfc(name) if count == 1 else name
        return None


def split_text(names: Sequence[str], rows: Mapping[str, NDArray[np.int64]]) -> str:
    """Return the text of a split file.

    `rows` are the positions in `names` of each split; the others are unused.
    """
    parts = [UNUSED] * len(names)
    for part, members in rows.items():
        for row in members:
            parts[row] = part
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("path", "split"))
    writer.writerows((as_cell(shown(name)), part) for name, part in zip(names, parts, strict=True))
    return text.getvalue()
