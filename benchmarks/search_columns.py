"""What the columns of a table of curves are: on which scale, of which choices, in which branches of a space."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile

import numpy as np
from hpo.spaces.parameter import Scalar
from search_tables import Array, CurveTable

FEW = 12  # distinct values: more of them are a range, though they be whole numbers
SCALES = ("linear", "log", "complement")
LOG_RATIO = 10  # of the ends of a range: a shorter one is much the same on a log scale
ROWS_PER_CHOICE = 3  # a column of a rare branch has few distinct values only since it has few values


@dataclass(frozen=True)
class Column:
    """A column that varies.

    `choices` are its values where it has few of them, () for a range; `scale` is the one on which the values of a range
    are even: linear, log, or complement for the logarithm of the distance from 1. `low` and `high` are the ends of the
    range as a space has them: those of the distance from 1, if that is the scale.
    """

    index: int
    name: str
    choices: tuple[float, ...] = ()
    scale: str = "linear"
    low: float = 0.0
    high: float = 1.0

    @property
    def is_log(self) -> bool:
        """Whether its range is searched on a log scale."""
        return self.scale != "linear"

    def from_space(self, value: Scalar) -> float:
        """Return the place in [0, 1] of a value of its range in the space, or the position of a choice."""
        if self.choices:
            return self.choices.index(float(value))  # type: ignore[arg-type]
        return float(self._place(np.array(value, dtype=np.float64)))

    def to_space(self, value: float) -> float:
        """Return a value in the table as the space has it: of a choice itself, of a range on its scale."""
        return value if self.choices else float(_native(np.array(value), self.scale))

    def from_table(self, values: Array) -> Array:
        """Return the same of values in the table, NaN where there are none."""
        if self.choices:
            positions = {choice: float(position) for position, choice in enumerate(self.choices)}
            return np.array([positions.get(value, np.nan) for value in values])
        return self._place(_native(values, self.scale))

    def _place(self, native: Array) -> Array:
        low, high, at = (np.log(x) if self.is_log else x for x in (self.low, self.high, native))
        return (at - low) / (high - low)


def columns_of(table: CurveTable) -> Sequence[Column]:
    """Return the columns of a table that vary: in their values, or in having one."""
    made = (_column(index, name, table.configs[:, index]) for index, name in enumerate(table.names))
    return [column for column in made if column is not None]


def _column(index: int, name: str, values: Array) -> Column | None:
    present = values[~np.isnan(values)]
    distinct = np.unique(present)
    if not len(distinct) or (len(distinct) == 1 and len(present) == len(values)):
        return None
    if len(distinct) <= max(1, min(FEW, len(present) / ROWS_PER_CHOICE)):
        return Column(index, name, choices=tuple(map(float, distinct)))
    possible = [scale for scale in SCALES if _is_possible(scale, _native(distinct, scale))]
    scale = min(possible, key=lambda scale: unevenness(_on(scale, _native(present, scale))))
    native = _native(distinct, scale)
    return Column(index, name, scale=scale, low=float(native.min()), high=float(native.max()))


def _is_possible(scale: str, native: Array) -> bool:
    return scale == "linear" or (native.min() > 0 and native.max() >= LOG_RATIO * native.min())


def unevenness(values: Array) -> float:
    """Return the distance of values from even ones between their ends: Kolmogorov's and Smirnov's, in [0, 1]."""
    places = np.sort((values - values.min()) / (values.max() - values.min()))
    return float(np.abs(places - (np.arange(len(places)) + 0.5) / len(places)).max())


def _native(values: Array, scale: str) -> Array:
    return 1 - values if scale == "complement" else values


def _on(scale: str, native: Array) -> Array:
    return native if scale == "linear" else np.log(native)


@dataclass(frozen=True)
class Branch:
    """The values of another column, a choice, at which a column has a value."""

    parent: Column
    values: tuple[float, ...]


def branch_of(column: Column, others: Sequence[Column], configs: Array) -> Branch | None:
    """Return the branch in which a column stands; None where no choice explains when it has a value.

    The innermost one, then the one whose name is most like its own.
    """
    active = ~np.isnan(configs[:, column.index])
    found = []
    for other in others:
        at = configs[:, other.index]
        values = tuple(choice for choice in other.choices if (at[active] == choice).any())
        # fewer than all: in all of them it is where the other is, and the other's own branch explains both
        if 0 < len(values) < len(other.choices) and (np.isin(at, values) == active).all():
            likeness = _common(column.name.split("."), other.name.split("."))
            found.append(((~np.isnan(at)).sum(), -likeness, other.index, Branch(other, values)))
    return min(found, key=lambda each: each[:3])[3] if found else None


def _common(words: Sequence[str], others: Sequence[str]) -> int:
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(words, others, strict=False)))
