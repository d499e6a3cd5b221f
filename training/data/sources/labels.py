"""A CSV file that says which image is what: `labels.csv`, or `train.csv`, `val.csv` and `test.csv` in one folder.

    path,label,split,group              split and group may be missing
    images/0001.png,cat,train,film 3

Names are meant from the CSV file's folder, or from the folder in it that holds more of them; they may lack the
extension. A row that repeats another is dropped; a file with two labels, splits or groups is refused.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ....errors import DataError, nearest
from ..pack import Skipped
from .base import MAX_SKIPPED, SPLITS, Found, Images, Progress, stamp, trained_classes
from .files import FilePixels
from .lookup import finder
from .table import Table, listed_lines, read_table

PATH_NAMES = ("path", "file", "filename", "file_name", "filepath", "image", "image_path", "image_name", "img", "id")
LABEL_NAMES = ("label", "class", "class_name", "target", "category", "y")
SPLIT_NAMES = ("split", "subset", "partition")
GROUP_NAMES = ("group", "group_id")
UNUSED = "unused"
TEXTS = (".csv", ".tsv", ".txt")


@dataclass(frozen=True, slots=True)
class Columns:
    """What the columns are called; None finds the usual names."""

    path: str | None = None
    label: str | None = None
    split: str | None = None
    group: str | None = None


@dataclass(frozen=True, slots=True)
class _Entry:
    """What one row says of the file `name`, and where it says so."""

    name: str
    label: str
    part: str
    group: str
    place: str

    @property
    def said(self) -> tuple[str, str, str]:
        return self.label, self.part, self.group


def table_files(root: Path) -> dict[str, Path]:
    """The CSV files of `root` by the split they give, "" where their rows say it; {} where it is no such source."""
    if root.is_file():
        return {"": root} if root.suffix.lower() in TEXTS else {}
    if (root / "labels.csv").is_file():
        return {"": root / "labels.csv"}
    found = {SPLITS[path.stem.lower()]: path for path in sorted(root.glob("*.csv")) if path.stem.lower() in SPLITS}
    return found if "train" in found else {}


def labels(root: Path, files: Mapping[str, Path], columns: Columns) -> Found:
    """The images that the CSV `files` of the source `root` name, looked up but not read.

    Raises:
        DataError: a file is not what this module's description says, or more than 5 % of the images are not there.
    """
    folder = root if root.is_dir() else root.parent
    listing = _Listing(folder)
    for part, path in files.items():
        listing.add(read_table(path), part, columns)
    listing.refuse_many_missing()
    entries = list(listing.entries.values())
    stamps = [(entry.name, stamp(folder / entry.name)[1]) for entry in entries]
    said = repr([entry.said for entry in entries])
    tables = tuple((path.name, stamp(path)[1]) for path in files.values())
    class_names = trained_classes(root, [e.label for e in entries], [e.part for e in entries])
    name = folder.resolve().name if root.is_dir() or root.stem == "labels" else root.stem
    return Found(name, ((said, ()), *tables, *stamps), lambda progress: listing.images(class_names, progress))


class _Listing:
    """The rows of all tables of a source, one entry per file, in order."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.entries: dict[str, _Entry] = {}
        self._missing: list[tuple[str, str, int]] = []  # table, name, line
        self._rows = 0
        self._repeated = 0
        self._notes: list[str] = []
        self._grouped = False

    def add(self, table: Table, part: str, columns: Columns) -> None:
        """Take in the rows of `table`, all of split `part` where it is not ""."""
        names = table.needed("path_column", columns.path, PATH_NAMES)
        classes = _filled(table, "label", table.needed("label_column", columns.label, LABEL_NAMES))
        count = len(table.rows)
        parts = (part,) * count if part else _parts(table, table.column("split_column", columns.split, SPLIT_NAMES))
        groups = table.column("group_column", columns.group, GROUP_NAMES)
        self._grouped |= groups is not None
        find = finder(self._folder, names)
        said = zip(classes, parts, groups or ("",) * count, strict=True)
        for name, line, (label, split, group) in zip(names, table.lines, said, strict=True):
            found = find(name)
            if found is None:
                self._missing.append((table.path.name, name, line))
            else:
                self._put(_Entry(found, label, split, group, f"{table.path.name}:{line}"))
        self._rows += count
        self._notes += table.notes

    def _put(self, entry: _Entry) -> None:
        known = self.entries.setdefault(entry.name, entry)
        if known is entry:
            return
        if known.said != entry.said:
            what, (old, new) = _difference(known, entry)
            raise DataError(
                f"data: {self._folder / entry.name} must have one {what}, it has two:\n"
                f"  {old!r} by {known.place}, {new!r} by {entry.place}"
            )
        self._repeated += 1

    def refuse_many_missing(self) -> None:
        """Raises DataError where more than 5 % of the rows name no file."""
        if len(self._missing) <= MAX_SKIPPED * self._rows:
            return
        shown = "; ".join(f"{table}:{line}: {name}" for table, name, line in self._missing[:4])
        raise DataError(
            f"data: {self._folder}: {len(self._missing)} of {self._rows} rows name a file that is not there\n  {shown}"
            f"{' and so on' if len(self._missing) > 4 else ''}; names are meant from the folder of the CSV file"
        )

    def images(self, class_names: tuple[str, ...], progress: Progress) -> Images:
        """The source, read."""
        number = {name: position for position, name in enumerate(class_names)}
        entries = list(self.entries.values())
        return Images(
            class_names,
            np.array([number[entry.label] for entry in entries], dtype=np.int64),
            np.array([entry.part for entry in entries]),
            FilePixels(self._folder, tuple(entry.name for entry in entries), progress),
            tuple(Skipped(name, f"no such file ({table}, line {line})") for table, name, line in self._missing),
            tuple(self._all_notes()),
            tuple(entry.group for entry in entries) if self._grouped else None,
        )

    def _all_notes(self) -> Iterator[str]:
        yield from self._notes
        if self._repeated:
            yield f"{self._repeated} rows repeat an earlier row and were dropped"


def _difference(known: _Entry, entry: _Entry) -> tuple[str, tuple[str, str]]:
    pairs = zip(("label", "split", "group"), known.said, entry.said, strict=True)
    return next((what, (old, new)) for what, old, new in pairs if old != new)


def _filled(table: Table, what: str, cells: tuple[str, ...]) -> tuple[str, ...]:
    empty = [line for line, cell in zip(table.lines, cells, strict=True) if not cell]
    if empty:
        raise DataError(f"data: {table.path}: every row needs a {what}; {len(empty)} have none: {listed_lines(empty)}")
    return cells


def _parts(table: Table, cells: tuple[str, ...] | None) -> tuple[str, ...]:
    if cells is None:
        return ("train",) * len(table.rows)
    return split_names(table, cells)


def split_names(table: Table, cells: tuple[str, ...]) -> tuple[str, ...]:
    """The splits that `cells` name: "train", "val", "test" or "unused".

    Raises:
        DataError: a cell is empty or names none of them.
    """
    known = SPLITS | {UNUSED: UNUSED}
    for line, cell in zip(table.lines, _filled(table, "split", cells), strict=True):
        if cell.lower() not in known:
            raise DataError(f"data: {table.path}:{line}: no split is called {cell!r}; {nearest(cell.lower(), known)}")
    return tuple(known[cell.lower()] for cell in cells)
