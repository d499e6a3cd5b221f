"""A square table of counts as colours, such as a confusion matrix."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import cos, radians

from markupsafe import Markup

from .svg import element, label, picture, shortened, titled

NAMED = 40
"""Rows up to which they are named and the counts written: more could not be read."""

MOST = 150
"""Rows that are drawn at most: of more, a cell would be less than four units wide."""

_SIDE = 600.0
_LETTERS, _LETTER, _AXIS = 14, 6.0, 40.0
"""The length of a name, about the width of a letter, and the room for an axis' own name."""

_SLOPE = 50
"""Degrees by which the names of columns are turned: level ones would overlap."""


def heat_map(counts: Sequence[Sequence[int]], names: Sequence[str], rows: str, columns: str, words: str) -> Markup:
    """Draw counts [row, column], coloured by their share of the row; `rows` and `columns` name the axes.

    Cells of 0 are left out, so that the picture grows with what there is to see; at most MOST rows are taken.
    """
    counts, is_named = [row[:MOST] for row in counts[:MOST]], len(counts) <= NAMED
    edge = _AXIS + _LETTER * (min(max(map(len, names)), _LETTERS) if is_named else 0)
    grid = _Grid(edge, (_SIDE - edge) / len(counts), names)
    drawn = [part for index, row in enumerate(counts) for part in grid.row(index, row, is_named=is_named)]
    titles, across = ([*grid.titles()], grid.across()) if is_named else ([], _SIDE)
    middle = (_SIDE + edge) / 2
    axes = [
        element("rect", kind="edge", x=edge, y=edge, width=_SIDE - edge, height=_SIDE - edge),
        label(columns, (middle, 12), kind="name"),
        element(
            "text", rows, kind="name", x=12, y=middle, text_anchor="middle", transform=f"rotate(-90 12 {middle:g})"
        ),
    ]
    return picture(across + 2, _SIDE + 2, words, (*drawn, *titles, *axes), kind="chart heat")


@dataclass(frozen=True, slots=True)
class _Grid:
    """Square cells of side `cell` that begin at `edge`, both down and to the right, for classes with `names`."""

    edge: float
    cell: float
    names: Sequence[str]

    def row(self, index: int, row: Sequence[int], *, is_named: bool) -> Iterator[Markup]:
        """Yield the cells of a row that are not 0, with their counts where rows are named."""
        total = sum(row)
        for column, count in enumerate(row):
            if count:
                yield self._square(index, column, count, count / total)
                if is_named:
                    yield self._count(index, column, count, "on-dark" if count > total / 2 else "count")

    def across(self) -> float:
        """Return where the grid ends, and the turned names that reach beyond it."""
        lean = _LETTER * cos(radians(_SLOPE))
        ends = (self._middle(index) + lean * min(len(name) + 1, _LETTERS) for index, name in enumerate(self.names))
        return max(_SIDE, *ends)

    def titles(self) -> Iterator[Markup]:
        """Yield the names of the rows and columns."""
        for index, name in enumerate(self.names):
            at = self._middle(index)
            short, full = shortened(name, _LETTERS)
            yield label(short, (self.edge - 5, at), "end", full=full)
            turned = f"rotate(-{_SLOPE} {at:g} {self.edge - 6:g})"
            yield element(
                "text", short, *titled(full), kind="tick", x=at, y=self.edge - 6, text_anchor="start", transform=turned
            )

    def _middle(self, index: int) -> float:
        """Return where the baseline of a name lies, somewhat below the middle of its row."""
        return self.edge + (index + 0.6) * self.cell

    def _square(self, index: int, column: int, count: int, share: float) -> Markup:
        title = element("title", f"{self.names[index]} as {self.names[column]}: {count:,}")
        x, y = self.edge + column * self.cell, self.edge + index * self.cell
        # the least visible shade is a tenth: a single mistake among thousands must be seen
        shade, kind = f"{0.1 + 0.9 * share:.2f}", "hit" if column == index else "miss"
        return element("rect", title, kind=kind, x=x, y=y, width=self.cell, height=self.cell, fill_opacity=shade)

    def _count(self, index: int, column: int, count: int, kind: str) -> Markup:
        x, y = self.edge + (column + 0.5) * self.cell, self.edge + (index + 0.64) * self.cell
        size = f"{min(15.0, self.cell * 0.42):.1f}"
        return element("text", f"{count}", kind=kind, x=x, y=y, text_anchor="middle", font_size=size)
