"""Classes as one-hot columns of a table.

1 in the column of the image's class, 0 in all others.
"""

from collections.abc import Collection

from ....errors import DataError
from .base import listed
from .classes import Wanted
from .spelling import nfc
from .table import Table, listed_lines

_VALUES = {"0": 0, "0.0": 0, "false": 0, "1": 1, "1.0": 1, "true": 1}


def one_hot(table: Table, other_columns: Collection[int | None], wanted: Wanted) -> tuple[tuple[str, ...], str] | None:
    """Return the class of each row, and a note; None: not one-hot.

    "" where a row's class is not `wanted`. The classes are the named columns that are not `other_columns`, or those
    that are `wanted`. None where they are fewer than two, or hold anything but zeros and ones.

    Raises:
        DataError: a row has several ones, or none although nothing says that only some classes are wanted.
    """
    names = [nfc(name) for name in table.header]
    columns = [number for number, name in enumerate(names) if name and number not in other_columns]
    if wanted is not None:
        columns = [number for number in columns if names[number] in wanted]
    cells = [[_VALUES.get(row[number].lower()) for number in columns] for row in table.rows]
    if len(columns) < 2 or any(None in row for row in cells):
        return None
    ones = [row.count(1) for row in cells]
    named = listed([names[number] for number in columns])
    wrong = [line for line, count in zip(table.lines, ones, strict=True) if count > 1 or (not count and not wanted)]
    if wrong:
        raise DataError(
            f"data: {table.path}: every row must have a 1 in one of the columns {named}; {len(wrong)} have several "
            f"or none: {listed_lines(wrong)}\n"
            "  several labels for one image are not supported; data.classes names the columns that are classes"
        )
    empty = [names[number] for position, number in enumerate(columns) if not any(row[position] for row in cells)]
    note = f"{table.path.name}: the classes are the columns {named}, of which each row has a 1 in one"
    note += f"; {ones.count(0)} rows have it in none, and are not used" if 0 in ones else ""
    note += f"; no row has it in {listed(empty)}" if empty else ""
    return tuple(names[columns[row.index(1)]] if 1 in row else "" for row in cells), note
