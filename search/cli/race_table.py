"""The table of a race on fresh seeds."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rich.table import Table

from ..progress.race import FRESH, RACE_COLUMNS, race_cells
from .tables import FirstThatFits, stdout, unfolded

if TYPE_CHECKING:
    from ...training.export.race import Race

_IN_TWO_LINES = {"fresh mean": "fresh\nmean", "is best": "is\nbest"}


def print_race(race: "Race") -> None:
    """Print a row for each trial, and what fresh means; in 80 characters without the number of seeds."""
    rows = [race_cells(entry) for entry in race.entries]
    narrow = [column for column in RACE_COLUMNS if column != "seeds"]
    console = stdout()
    console.print(FirstThatFits(_table(rows, RACE_COLUMNS), _table(rows, narrow)))
    console.print(FRESH[race.validation])


def _table(rows: Sequence[Mapping[str, str]], columns: Sequence[str]) -> Table:
    view = unfolded(*(_IN_TWO_LINES.get(column, column) for column in columns))
    for row in rows:
        view.add_row(*(row[column] for column in columns))
    return view
