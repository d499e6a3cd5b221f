"""CSV files as people have them.

Comma, semicolon or tab, with or without a byte order mark, from any program.
"""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ....common.bounded import TABLE_BYTES, UnfitFileError, read_bytes
from ....errors import DataError, nearest
from .encoding import IsName, decoded
from .spelling import nfc

_DELIMITERS = (",", ";", "\t")


@dataclass(frozen=True, slots=True)
class Table:
    """The cells of a CSV file below its header.

    `lines` are the line numbers in the file, as an editor shows them.
    """

    path: Path
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    lines: tuple[int, ...]
    notes: tuple[str, ...] = ()

    def column(self, key: str, wanted: str | None, automatic: Sequence[str]) -> tuple[str, ...] | None:
        """Return the cells of a column; None where it is not there.

        The column `wanted`, else the first of `automatic` that there is, in any case.

        Raises:
            DataError: the column `wanted` (by the setting `key`) is not there.
        """
        number = self.position((wanted,) if wanted is not None else automatic)
        if number is None and wanted is not None:
            raise DataError(f"data.{key}: {self.path} has no column {wanted!r}; {nearest(wanted, self.header)}")
        return None if number is None else tuple(row[number] for row in self.rows)

    def position(self, names: Sequence[str]) -> int | None:
        """Return the number of the first column among `names`.

        In any case; None: there is none.
        """
        folded = {_folded(name): number for number, name in reversed(list(enumerate(self.header)))}
        return next((folded[_folded(name)] for name in names if _folded(name) in folded), None)

    def at(self, rows: Sequence[int]) -> "Table":
        """Return the table with these of its rows alone."""
        return replace(self, rows=tuple(self.rows[row] for row in rows), lines=tuple(self.lines[row] for row in rows))

    def needed(self, key: str, wanted: str | None, automatic: Sequence[str], alternative: str = "") -> tuple[str, ...]:
        """Return a column as `column` does, where there must be one.

        `alternative` says what else could be written.

        Raises:
            DataError: there is no such column.
        """
        cells = self.column(key, wanted, automatic)
        if cells is None:
            raise DataError(
                f"data: {self.path}: its first line must name the columns, one of them {' or '.join(automatic[:3])}\n"
                f"  it has {', '.join(map(repr, self.header[:8]))}; say which it is with data.{key}{alternative}"
            )
        return cells


def _folded(name: str) -> str:
    return nfc(name).casefold()


def read_table(path: Path, is_name: IsName, encoding: str | None = None) -> Table:
    """Read the file `path`, whose first line names its columns.

    Surrounding spaces and empty lines do not count.

    `encoding` is what the user says of it, None nothing; `is_name` says whether there is a file of that name.

    Raises:
        DataError: it is no text, its encoding cannot be told, it has no rows, or a row has another number of cells than
            the header.
    """
    try:
        content = read_bytes(path, TABLE_BYTES)
    except UnfitFileError as error:
        raise DataError(f"data: {path}: {error.strerror}") from error
    text, notes = decoded(path, content, encoding, is_name)
    header, rows, lines = _parse(path, text)
    width = len(header)
    rows = [row if any(row[width:]) else row[:width] for row in rows]  # Excel likes to end every row with delimiters
    wrong = [line for line, row in zip(lines, rows, strict=True) if len(row) != width]
    if wrong:
        raise DataError(
            f"data: {path}: every row must have {width} cells as its header has; {len(wrong)} have not: "
            f"{listed_lines(wrong)}"
        )
    if not rows:
        raise DataError(f"data: {path} has no rows below its header")
    return Table(path, header, tuple(rows), tuple(lines), notes)


def listed_lines(lines: Sequence[int]) -> str:
    """Return line numbers for a sentence: `lines 3, 7 and 40 more`."""
    shown = ", ".join(map(str, lines[:5])) + (f" and {len(lines) - 5} more" if len(lines) > 5 else "")
    return f"line{'s' if len(lines) > 1 else ''} {shown}"


def _parse(path: Path, text: str) -> tuple[tuple[str, ...], list[tuple[str, ...]], list[int]]:
    first = next((line for line in text.splitlines() if line.strip()), "")
    # The delimiter that cuts the header into most cells.
    delimiter = max(_DELIMITERS, key=lambda sign: len(next(csv.reader([first], delimiter=sign), [])))
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True)
    rows, lines = [], []
    try:
        for row in reader:
            if cells := tuple(cell.strip() for cell in row):
                rows.append(cells)
                lines.append(reader.line_num)
    except csv.Error as error:
        raise DataError(f"data: {path}:{reader.line_num}: not a CSV file: {error}") from error
    filled = [number for number, cells in enumerate(rows) if any(cells)]
    rows, lines = [rows[number] for number in filled], [lines[number] for number in filled]
    return (rows[0], rows[1:], lines[1:]) if rows else ((), [], [])
