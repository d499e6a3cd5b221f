"""Parallel coordinates: a line for each thing through its value on every axis (Inselberg 1985)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from .scale import Scale
from .svg import element, label, path, picture, shortened, shortened_key, titled

TOP, BOTTOM = 16.0, 256.0
"""The upper and the lower end of the axes, for whoever makes their scales."""

_WIDTH, _HEIGHT, _LEFT, _RIGHT = 600.0, 345.0, 88.0, 40.0
_LETTERS = 14
_LETTER = 7.0
"""About the width of a letter on an axis: what is longer than the way to the next axis is shortened."""


@dataclass(frozen=True, slots=True)
class Upright:
    """An upright axis: the key of its values, its name, and its scale from BOTTOM to TOP."""

    key: str
    name: str
    scale: Scale


@dataclass(frozen=True, slots=True)
class Thread:
    """A thing's values by key, the CSS class of its line, and what is shown under the pointer."""

    values: Mapping[str, Any]
    kind: str
    title: str


def parallel(axes: Sequence[Upright], threads: Sequence[Thread], words: str) -> Markup:
    """Draw `threads` through at least two `axes`, the last one on top.

    One that lacks a value, as it is in another branch, passes that axis by.
    """
    step = (_WIDTH - _LEFT - _RIGHT) / (len(axes) - 1)
    places = {axis.key: _LEFT + number * step for number, axis in enumerate(axes)}
    lines = [line for thread in threads if (line := _line(thread, axes, places)) is not None]
    uprights = [part for axis in axes for part in _upright(axis, places[axis.key], int(step / _LETTER))]
    return picture(_WIDTH, _HEIGHT, words, (*lines, *uprights), kind="chart parallel")


def _line(thread: Thread, axes: Sequence[Upright], places: Mapping[str, float]) -> Markup | None:
    points = [
        (places[axis.key], up)
        for axis in axes
        if axis.key in thread.values and (up := axis.scale.place(thread.values[axis.key])) is not None
    ]
    return path(points, thread.kind, thread.title) if len(points) > 1 else None


def _upright(axis: Upright, across: float, letters: int) -> Iterator[Markup]:
    yield path([(across, BOTTOM), (across, TOP)], "axis")
    for tick in axis.scale.ticks(5):
        short, full = shortened(tick.text, letters)
        yield label(short, (across + 4, tick.place + 4), "start", "tick on-lines", full=tick.full or full)
    name, full = shortened_key(axis.name, _LETTERS)
    turned = f"rotate(-32 {across:g} {BOTTOM + 18:g})"  # names of neighbours would overlap
    yield element(
        "text", name, *titled(full), kind="name", x=across, y=BOTTOM + 18, text_anchor="end", transform=turned
    )
