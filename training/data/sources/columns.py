"""The meaning of a table's columns: file names, classes, splits, groups."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from ....errors import DataError, nearest
from .base import SPLITS, split_in
from .classes import Wanted
from .one_hot import one_hot
from .table import Table, listed_lines

# Names that public data sets and exporting tools use, in order of preference.
PATH_NAMES = (
    "path",
    "file",
    "filename",
    "file_name",
    "filepath",
    "image",
    "image_path",
    "image_name",
    "image_id",
    "img",
    "id",
)
LABEL_NAMES = ("label", "class", "class_name", "target", "category", "y")
SPLIT_NAMES = ("split", "subset", "partition")
GROUP_NAMES = ("group", "group_id")
UNUSED = "unused"

_MISSING = {"nan", "na", "n/a", "null", "none"}  # in lower case; "none" may well be meant, so that it is only told


@dataclass(frozen=True, slots=True)
class TableOptions:
    """The user's settings for a table.

    Columns' names (None finds the usual names), where the images are, how the text is encoded. `images` is a folder or
    a pattern of lookup.py, `encoding` a name that Python knows; None: both are found out.
    """

    path: str | None = None
    label: str | None = None
    split: str | None = None
    group: str | None = None
    images: str | None = None
    encoding: str | None = None


def file_names(table: Table, options: TableOptions) -> tuple[str, ...]:
    """Return the name of each row's file.

    Raises:
        DataError: no column holds it.
    """
    return table.needed("path_column", options.path, PATH_NAMES)


def class_names(table: Table, options: TableOptions, wanted: Wanted) -> tuple[tuple[str, ...], list[str]]:
    """Return the class of each row, and notes on what was decided.

    From one column or from a column for each class.

    Raises:
        DataError: no columns hold it, or a row has none.
    """
    cells = table.column("label_column", options.label, LABEL_NAMES)
    if cells is None and (decided := one_hot(table, _taken(table, options), wanted)):
        return decided[0], [decided[1]]
    alternative = ", or the columns of one class each with data.classes"
    cells = _filled(table, "label", table.needed("label_column", options.label, LABEL_NAMES, alternative))
    return cells, list(_missing_notes(table, cells))


def _taken(table: Table, options: TableOptions) -> set[int | None]:
    """Return the numbers of the columns that hold something else than classes."""
    columns = ((options.path, PATH_NAMES), (options.split, SPLIT_NAMES), (options.group, GROUP_NAMES))
    return {table.position((name,) if name else usual) for name, usual in columns}


def _missing_notes(table: Table, cells: tuple[str, ...]) -> Iterator[str]:
    for name, count in sorted(Counter(cell for cell in cells if cell.lower() in _MISSING).items()):
        rows = "1 row has" if count == 1 else f"{count:,} rows have"
        yield f"{table.path.name}: {rows} the label {name!r}, as many programs write what is missing; it is a class"


def _filled(table: Table, what: str, cells: tuple[str, ...]) -> tuple[str, ...]:
    empty = [line for line, cell in zip(table.lines, cells, strict=True) if not cell]
    if empty:
        raise DataError(f"data: {table.path}: every row needs a {what}; {len(empty)} have none: {listed_lines(empty)}")
    return cells


def split_parts(table: Table, part: str, options: TableOptions) -> tuple[str, ...] | None:
    """Return the split of each row; None where the table has none.

    `part` where the table itself is one, else what its column says.
    """
    if part:
        return (part,) * len(table.rows)
    cells = table.column("split_column", options.split, SPLIT_NAMES)
    return None if cells is None else split_names(table, cells)


def splits_by_name(table: Table) -> tuple[str, ...]:
    """Return the split in the table's name, per row; "" for none.

    As in `train_labels.csv`.
    """
    return (split_in(table.path.stem) or "",) * len(table.rows)


def split_names(table: Table, cells: tuple[str, ...]) -> tuple[str, ...]:
    """Return the splits that `cells` name: "train", "val", "test" or "unused".

    Raises:
        DataError: a cell is empty or names none of them.
    """
    split_of = SPLITS | {UNUSED: UNUSED}
    for line, cell in zip(table.lines, _filled(table, "split", cells), strict=True):
        if cell.lower() not in split_of:
            raise DataError(
                f"data: {table.path}:{line}: no split is called {cell!r}; {nearest(cell.lower(), split_of)}"
            )
    return tuple(split_of[cell.lower()] for cell in cells)
