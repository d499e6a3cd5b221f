"""The table of a race on fresh seeds."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rich.table import Table

from ..progress.format import number_of
from .tables import FirstThatFits, stdout, unfolded

if TYPE_CHECKING:
    from ...training.export.race import Race, RaceEntry

_TITLES = ("trial", "selected", "fresh\nmean", "95 %", "seeds", "optimism", "is\nbest", "")
_CAPTION = {
    "drawn anew": "fresh: other seeds and other validation images, the same for all trials of a repetition",
    "given": "fresh: other seeds; the validation images are the data's own, so that their luck is in all values",
}


def print_race(race: "Race") -> None:
    """Print a row for each trial, and what fresh means; in 80 characters without the number of seeds."""
    rows = [_cells(entry) for entry in race.entries]
    console = stdout()
    console.print(FirstThatFits(_table(rows, _TITLES), _table(rows, [title for title in _TITLES if title != "seeds"])))
    console.print(_CAPTION[race.validation])


def _table(rows: Sequence[Mapping[str, str]], titles: Sequence[str]) -> Table:
    view = unfolded(*titles)
    for row in rows:
        view.add_row(*(row[title] for title in titles))
    return view


def _cells(entry: "RaceEntry") -> dict[str, str]:
    interval = "" if entry.interval is None else f"{entry.interval[0]:.4f} to {entry.interval[1]:.4f}"
    cells = (
        str(entry.trial),
        number_of(entry.selected),
        number_of(entry.mean),
        interval,
        str(len(entry.values)),
        "" if entry.optimism is None else f"{entry.optimism:+.4f}",
        "" if entry.probability is None else f"{entry.probability:.3f}",
        f"{entry.outcome}: {entry.failure}" if entry.failure else entry.outcome,
    )
    return dict(zip(_TITLES, cells, strict=True))
