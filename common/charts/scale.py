"""Scales: where a value lies on an axis, and which values are written there."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, isfinite, log10
from typing import Any, Protocol

from .svg import shortened

NAMED = 24
"""How many categories are named at most: more names overlap."""

LETTERS = 12
"""The length of a category's name on an axis; the whole is under the pointer."""


@dataclass(frozen=True, slots=True)
class Tick:
    """A value that is written on an axis, at `place`; `full` is its whole name where `text` is shortened."""

    place: float
    text: str
    full: str = ""


class Scale(Protocol):
    """An axis between two places of a picture."""

    def place(self, value: Any) -> float | None:
        """Where `value` lies; None where the axis has no such value."""
        ...

    def ticks(self, most: int) -> Sequence[Tick]:
        """The values that are written there, about `most`."""
        ...


@dataclass(frozen=True, slots=True)
class Numbers:
    """The numbers from `low` to `high`, from the place `start` to the place `end`; with `log` both are positive."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def place(self, value: Any) -> float | None:
        """Where a number lies; numbers beyond the ends lie there too. None for what is no finite number."""
        if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
            return None
        if self.log and value <= 0:
            return None
        low, high, at = (log10(each) if self.log else each for each in (self.low, self.high, value))
        share = (at - low) / (high - low) if high > low else 0.5
        return self.start + min(max(share, 0.0), 1.0) * (self.end - self.start)

    def ticks(self, most: int) -> Sequence[Tick]:
        """Round numbers within the ends."""
        values = _powers(self.low, self.high, most) if self.log else _round(self.low, self.high, most)
        return [Tick(place, f"{value:.6g}") for value in values if (place := self.place(value)) is not None]


@dataclass(frozen=True, slots=True)
class Categories:
    """The values in `names`, each in the middle of its own part from `start` to `end`."""

    names: tuple[Any, ...]
    start: float
    end: float

    def place(self, value: Any) -> float | None:
        """Where a value lies."""
        # by type, too: 1 and True are equal, and two choices
        indices = [index for index, name in enumerate(self.names) if type(name) is type(value) and name == value]
        return self._middle(indices[0]) if indices else None

    def ticks(self, most: int) -> Sequence[Tick]:
        """The names, shortened; none of more than can be read."""
        texts = map(str, self.names) if len(self.names) <= NAMED else ()
        return [Tick(self._middle(index), *shortened(text, LETTERS)) for index, text in enumerate(texts)]

    def _middle(self, index: int) -> float:
        return self.start + (index + 0.5) / len(self.names) * (self.end - self.start)


def around(values: Sequence[float], start: float, end: float, *, room: float = 0.05) -> Numbers:
    """Return the numbers that hold all finite `values`, with a share of them as room at both ends."""
    finite = [value for value in values if isfinite(value)] or [0.0, 1.0]
    low, high = min(finite), max(finite)
    margin = (high - low) * room or abs(high) * room or 0.5
    return Numbers(low - margin, high + margin, start, end)


def _round(low: float, high: float, most: int) -> list[float]:
    """Multiples of 1, 2 or 5 times a power of ten."""
    if not high > low:
        return [low]
    rough = (high - low) / most
    power = 10.0 ** floor(log10(rough))
    step = next((power * each for each in (1, 2, 5) if power * each >= rough), power * 10)
    first, last = ceil(low / step - 1e-9), floor(high / step + 1e-9)
    return [index * step for index in range(first, last + 1)]


def _powers(low: float, high: float, most: int) -> list[float]:
    """Powers of ten; with 2 and 5 of each where they are fewer than two, every second or so where they are many."""
    first, last = ceil(log10(low) - 1e-9), floor(log10(high) + 1e-9)
    if last - first >= 1:
        return [10.0**power for power in range(first, last + 1, max(1, -(-(last - first + 1) // most)))]
    steps = [10.0**power * each for power in range(first - 1, last + 1) for each in (1, 2, 5)]
    return [step for step in steps if low <= step <= high] or [low, high]
