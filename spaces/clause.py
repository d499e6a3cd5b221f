"""Forbidden combinations of values: clauses of terms that hold together."""

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ..common.display import value_text
from .parameter import Scalar, is_number


def _equal(one: Any, other: Any) -> bool:
    # True == 1 in Python
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)


def _numbers(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    """Compare numbers; nothing else is more or less than anything."""
    return lambda one, other: is_number(one) and is_number(other) and compare(one, other)


COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "<=": _numbers(operator.le),
    ">=": _numbers(operator.ge),
    "!=": lambda one, other: not _equal(one, other),
    "=": _equal,
    "<": _numbers(operator.lt),
    ">": _numbers(operator.gt),
}
"""By sign; the longer signs first, as they are read."""


def _shown(value: Scalar) -> str:
    return value if isinstance(value, str) else value_text(value)


@dataclass(frozen=True, slots=True)
class Term:
    """A comparison of the value of `key` with any of `values`, or with that of `other`, where it has one."""

    key: str
    sign: str
    values: tuple[Scalar, ...] = ()
    other: str = ""

    def holds(self, values: Mapping[str, Any]) -> bool:
        """Tell whether it holds for these values by key; it does not where one is missing."""
        if self.key not in values or (self.other and self.other not in values):
            return False
        others = (values[self.other],) if self.other else self.values
        return any(COMPARISONS[self.sign](values[self.key], other) for other in others)

    @property
    def words(self) -> str:
        """The term as people read it: `optimizer.sgd.lr > 0.3`, `model.width = 32 or 64`."""
        return f"{self.key} {self.sign} {self.other or ' or '.join(map(_shown, self.values))}"

    @property
    def written(self) -> Any:
        """What stands for it in a space file, at its key."""
        if self.sign != "=" or self.other:
            return f"{self.sign} {self.other or _shown(*self.values)}"
        return self.values[0] if len(self.values) == 1 else list(self.values)

    def canonical(self) -> str:
        """Return what decides when it holds."""
        return f"{self.key} {self.sign} {self.other or ' or '.join(sorted(map(value_text, self.values)))}"


@dataclass(frozen=True, slots=True)
class Clause:
    """Terms that must not all hold together."""

    terms: tuple[Term, ...]

    def holds(self, values: Mapping[str, Any]) -> bool:
        """Tell whether all of its terms hold for these values by key."""
        return all(term.holds(values) for term in self.terms)

    @property
    def words(self) -> str:
        """The clause as people read it."""
        return " with ".join(term.words for term in self.terms)

    def canonical(self) -> str:
        """Return what decides when it holds, in whatever order it was written."""
        return " with ".join(sorted(term.canonical() for term in self.terms))
