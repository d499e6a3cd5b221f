"""CSV files that name images and their classes, as a source.

`labels.csv`, or `train.csv`, `val.csv` and `test.csv` in one folder:

    path,label,split,group              split and group may be missing
    images/0001.png,cat,train,film 3

Names are meant from the CSV file's folder or from a folder in it, and may lack the extension; which file is meant is
decided in lookup.py, what the columns mean in columns.py. Labels and groups are compared in NFC. A row that repeats
another is dropped; a file with two labels, splits or groups is refused.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ....common.display import visible
from ....errors import DataError
from ..pack import Skipped
from .base import MAX_SKIPPED, SPLITS, DataSource, Images, Progress, listed, split_in, stamp
from .classes import Wanted, refuse_unknown, trained_classes, unwanted_note
from .columns import GROUP_NAMES, TableOptions, class_names, file_names, split_parts, splits_by_name
from .files import FilePixels
from .lookup import Lookup
from .outside import outside
from .spelling import nfc, spelling_notes
from .table import Table, read_table
from .walk import visible_folders

TEXTS = (".csv", ".tsv", ".txt")


@dataclass(frozen=True, slots=True)
class _Entry:
    """A row's values for the file `name`, and the row's position."""

    name: str
    label: str
    part: str
    group: str
    position: str

    @property
    def values(self) -> tuple[str, str, str]:
        return self.label, self.part, self.group


def table_files(root: Path) -> dict[str, Path]:
    """Return the CSV files of `root` by the split they give.

    "" where their rows give it; {} where it is no such source.

    Raises:
        DataError: two of them give the same split.
    """
    if root.is_file():
        return {"": root} if root.suffix.lower() in TEXTS else {}
    if (root / "labels.csv").is_file():
        return {"": root / "labels.csv"}
    tables = _split_tables(root)
    files = {SPLITS[path.stem.lower()]: path for path in tables}
    if "train" not in files:
        return {}
    if len(files) < len(tables):
        names = ", ".join(path.name for path in tables)
        raise DataError(f"data: {root} must have train.csv, and test.csv and val.csv at most once each; it has {names}")
    return files


def _split_tables(root: Path) -> list[Path]:
    return [path for path in sorted(root.glob("*.csv")) if path.stem.lower() in SPLITS]


def labels(root: Path, files: Mapping[str, Path], options: TableOptions, wanted: Wanted = None) -> DataSource:
    """Locate the images that the CSV `files` of the source `root` name.

    Of the classes `wanted` or of all, not read yet.

    Raises:
        DataError: a file is not as this module describes, more than 5 % of the images are not there, or it
            has no such class.
    """
    folder = root if root.is_dir() else root.parent
    lookup = Lookup(folder, options.images)
    listing = _Listing(folder, lookup, wanted)
    for part, path in files.items():
        listing.add(read_table(path, lookup.__contains__, options.encoding), part, options)
    refuse_unknown(root, wanted, listing.classes)
    listing.refuse_many_missing()
    entries = list(listing.entries.values())
    stamps = [(entry.name, stamp(folder / entry.name)[1]) for entry in entries]
    values = repr([entry.values for entry in entries])
    tables = tuple((path.name, stamp(path)[1]) for path in files.values())
    classes = trained_classes(root, [e.label for e in entries], [e.part for e in entries], wanted)
    name = folder.resolve().name if root.is_dir() or root.stem == "labels" else root.stem
    unused = tuple(_unused(folder, files, listing))
    return DataSource(
        name,
        ((values, ()), *tables, *stamps),
        lambda progress: listing.images(classes, unused, progress),
        tuple(outside(folder, listing.entries, lookup.asked_for)),
    )


def _unused(folder: Path, files: Mapping[str, Path], listing: "_Listing") -> Iterator[str]:
    """Yield a sentence on folders and tables that do not count.

    They are named like a split in `folder`, and the tables say nothing of them.
    """
    beside = sorted(folder.glob("*.csv"))
    tables = [path.name for path in beside if split_in(path.stem) and path not in files.values()]
    used = {name.partition("/")[0] for name in listing.entries}
    folders = [f"{name}/" for name in visible_folders(folder) if split_in(name) and name not in used]
    if tables or folders:
        yield f"{', '.join(path.name for path in files.values())} says which images there are; not used: " + listed(
            [*tables, *folders]
        )


class _Listing:
    """The rows of a source's tables, one entry per file, in order."""

    def __init__(self, folder: Path, lookup: Lookup, wanted: Wanted) -> None:
        self._folder = folder
        self._lookup = lookup
        self._wanted = wanted
        self.classes: set[str] = set()  # wanted or not
        self.entries: dict[str, _Entry] = {}
        self._missing: list[tuple[str, str, int]] = []  # table, name, line
        self._rows = 0
        self._repeated = 0
        self._notes: list[str] = []
        self._grouped = False

    def add(self, table: Table, part: str, options: TableOptions) -> None:
        """Add the rows of `table`, all of split `part` unless ""."""
        file_names(table, options)  # before classes are looked for among the other columns
        classes, decided = class_names(table, options, self._wanted)
        self.classes |= {nfc(name) for name in classes if name}
        kept_rows = [row for row, name in enumerate(classes) if self._wanted is None or nfc(name) in self._wanted]
        table, classes = table.at(kept_rows), tuple(classes[row] for row in kept_rows)
        names, parts = file_names(table, options), split_parts(table, part, options)
        groups = table.column("group_column", options.group, GROUP_NAMES)
        self._grouped |= groups is not None
        paths, notes = self._lookup.find(table.path.name, names, parts or splits_by_name(table))
        values = zip(classes, parts or ("train",) * len(names), groups or ("",) * len(names), strict=True)
        for name, path, line, (label, split, group) in zip(names, paths, table.lines, values, strict=True):
            if path is None:
                self._missing.append((table.path.name, name, line))
            else:
                self._put(_Entry(path, nfc(label), split, nfc(group), f"{table.path.name}:{line}"))
        self._rows += len(names)
        self._notes += [
            *table.notes,
            *decided,
            *notes,
            *spelling_notes(classes, "class"),
            *spelling_notes(groups or (), "group"),
        ]

    def _put(self, entry: _Entry) -> None:
        first = self.entries.setdefault(entry.name, entry)
        if first is entry:
            return
        if first.values != entry.values:
            what, (old, new) = _difference(first, entry)
            raise DataError(
                f"data: {visible(str(self._folder / entry.name))} must have one {what}, it has two:\n"
                f"  {old!r} by {first.position}, {new!r} by {entry.position}"
            )
        self._repeated += 1

    def refuse_many_missing(self) -> None:
        """Raise DataError where more than 5 % of the rows name no file."""
        if len(self._missing) <= MAX_SKIPPED * self._rows:
            return
        shown = "; ".join(visible(f"{table}:{line}: {name}") for table, name, line in self._missing[:4])
        raise DataError(
            f"data: {self._folder}: {len(self._missing)} of {self._rows} rows name a file that is not there\n  {shown}"
            f"{' and so on' if len(self._missing) > 4 else ''}; names are meant {self._lookup.where}"
        )

    def images(self, class_names: tuple[str, ...], unused: tuple[str, ...], progress: Progress) -> Images:
        """Return the source, read.

        `unused` are sentences on what does not belong to it.
        """
        number = {name: position for position, name in enumerate(class_names)}
        entries = list(self.entries.values())
        return Images(
            class_names,
            np.array([number[entry.label] for entry in entries], dtype=np.int64),
            np.array([entry.part for entry in entries]),
            FilePixels(self._folder, tuple(entry.name for entry in entries), progress),
            tuple(Skipped(name, f"no such file ({table}, line {line})") for table, name, line in self._missing),
            (*self._all_notes(), *unused),
            tuple(entry.group for entry in entries) if self._grouped else None,
        )

    def _all_notes(self) -> Iterator[str]:
        yield from self._notes
        yield from unwanted_note(self.classes, self._wanted)
        if self._repeated:
            yield f"{self._repeated} rows repeat an earlier row and were dropped"


def _difference(first: _Entry, entry: _Entry) -> tuple[str, tuple[str, str]]:
    pairs = zip(("label", "split", "group"), first.values, entry.values, strict=True)
    return next((what, (old, new)) for what, old, new in pairs if old != new)
