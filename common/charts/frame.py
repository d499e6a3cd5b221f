"""The frame of a chart: its axes, and what is drawn between them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from .scale import Scale
from .svg import Point, element, label, path, picture, shortened_key, titled


@dataclass(frozen=True, slots=True)
class Size:
    """A chart's extent in units, and what its axes take of it.

    `left` has room for six characters, also where a narrow window has them larger (see sections.html).
    """

    width: float
    height: float
    left: float
    right: float
    top: float
    bottom: float
    kind: str

    @property
    def across(self) -> Point:
        """Where the x axis begins and ends."""
        return self.left, self.width - self.right

    @property
    def upward(self) -> Point:
        """Where the y axis begins, at the bottom, and ends."""
        return self.height - self.bottom, self.top


_LETTER = 7.5
"""About the width of a letter of a title: one that is longer than its axis is shortened."""

WIDE = Size(600, 286, 66, 22, 14, 48, "chart")
"""As wide as the page."""

SMALL = Size(280, 180, 50, 20, 10, 44, "chart small")
"""Several beside each other."""


@dataclass(frozen=True, slots=True)
class Axis:
    """A scale with its title, and about how many values are written there."""

    scale: Scale
    title: str
    ticks: int = 6


@dataclass(frozen=True, slots=True)
class Frame:
    """Two axes on a picture of a size."""

    x: Axis
    y: Axis
    size: Size = WIDE

    def at(self, x: Any, y: Any) -> Point | None:
        """Return where two values lie; None where an axis lacks one."""
        across, up = self.x.scale.place(x), self.y.scale.place(y)
        return None if across is None or up is None else (across, up)

    def points(self, pairs: Iterable[tuple[Any, Any]]) -> list[Point]:
        """Return where pairs of values lie; those that the axes lack are left out."""
        return [at for x, y in pairs if (at := self.at(x, y)) is not None]

    def rule(self, x: Any, words: str) -> Iterator[Markup]:
        """Yield a dashed line upward at `x`, with words beside its upper end."""
        across, (bottom, top) = self.x.scale.place(x), self.size.upward
        if across is not None:
            yield path([(across, bottom), (across, top)], "rule", words)
            yield label(words, (across + 3, top + 9), "start")

    def draw(self, words: str, parts: Sequence[Markup]) -> Markup:
        """Return the chart with `parts` between its axes; `words` say what it shows."""
        return picture(self.size.width, self.size.height, words, (*self._axes(), *parts), kind=self.size.kind)

    def _axes(self) -> Iterator[Markup]:
        (left, right), (bottom, top) = self.size.across, self.size.upward
        for tick in self.y.scale.ticks(self.y.ticks):
            yield path([(left, tick.place), (right, tick.place)], "grid")
            yield label(tick.text, (left - 6, tick.place + 4), "end", full=tick.full)
        yield path([(left, bottom), (right, bottom)], "axis")
        for tick in self.x.scale.ticks(self.x.ticks):
            yield path([(tick.place, bottom), (tick.place, bottom + 4)], "axis")
            yield label(tick.text, (tick.place, bottom + 18), full=tick.full)
        title, full = shortened_key(self.x.title, int((right - left) / _LETTER))
        yield label(title, ((left + right) / 2, self.size.height - 6), kind="name", full=full)
        if self.y.title:
            middle = (bottom + top) / 2
            title, full = shortened_key(self.y.title, int((bottom - top) / _LETTER))
            yield element(
                "text",
                title,
                *titled(full),
                kind="name",
                x=12,
                y=middle,
                text_anchor="middle",
                transform=f"rotate(-90 12 {middle:g})",
            )
