"""Horizontal bars, one below the other, with intervals where there are any."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from .scale import Numbers
from .svg import element, label, path, picture, shortened_key, titled

_WIDTH, _NAMES, _VALUES, _ROW, _BAR = 600.0, 210.0, 76.0, 24.0, 13.0
_LETTERS = 28
"""What fits beside the bars; the whole name is under the pointer."""


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar from 0 to `value` >= 0, with what is written at its end.

    `interval` is drawn as a line over it; `parts` are the classes and lengths that it is made of, () for one part.
    """

    name: str
    value: float
    text: str
    interval: tuple[float, float] | None = None
    parts: tuple[tuple[str, float], ...] = ()


def bars(rows: Sequence[Bar], words: str) -> Markup:
    """Return the bars in their order; `words` say what they show."""
    most = max([*(row.value for row in rows), *(row.interval[1] for row in rows if row.interval)], default=0.0)
    scale = Numbers(0, most or 1, _NAMES, _WIDTH - _VALUES)
    parts = [part for number, row in enumerate(rows) for part in _bar(row, number * _ROW, scale)]
    return picture(_WIDTH, len(rows) * _ROW + 4, words, parts, kind="chart bars")


def _bar(row: Bar, top: float, scale: Numbers) -> Iterator[Markup]:
    middle = top + _ROW / 2
    name, full = shortened_key(row.name, _LETTERS)
    yield label(name, (_NAMES - 8, middle + 4), "end", full=full)
    reached = 0.0
    for kind, length in row.parts or (("usual", row.value),):
        left, right = (scale.place(value) or 0.0 for value in (reached, reached + length))
        yield element(
            "rect",
            *titled(f"{row.name}: {row.text}"),
            kind=kind,
            x=left,
            y=middle - _BAR / 2,
            width=right - left,
            height=_BAR,
        )
        reached += length
    end = scale.place(row.value) or 0.0
    if row.interval is not None:
        low, end_of_interval = (scale.place(max(value, 0.0)) or 0.0 for value in row.interval)
        yield path([(low, middle), (end_of_interval, middle)], "interval", f"{row.name}: {row.text}")
        end = max(end, end_of_interval)
    yield label(row.text, (end + 6, middle + 4), "start")
