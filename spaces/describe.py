"""A description of a space: dimensions, branches, size and lint."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .configurations import count
from .node import shown
from .parameter import Choice, Condition, Parameter
from .space import SearchSpace

# last parts of keys; what counts of a rate is its order of magnitude
RATES = frozenset({"lr", "learning_rate", "weight_decay"})
# drawn evenly over one decade, nine values in ten fall into the upper nine tenths: there a log scale begins to matter
DECADE = 10.0


@dataclass(frozen=True, slots=True)
class Dimension:
    """One dimension in words.

    `when` names the branches around it; `prior`, `confidence` and `when` may be "".
    """

    key: str
    values: str
    prior: str
    confidence: str
    when: str


@dataclass(frozen=True, slots=True)
class Branch:
    """One branch of a choice, with its number of dimensions."""

    key: str
    name: str
    dimensions: int


@dataclass(frozen=True, slots=True)
class Warn:
    """A lint warning, with what to write instead."""

    key: str
    text: str


@dataclass(frozen=True, slots=True)
class Description:
    """The content of `hpo check`.

    `fixed` holds (key, value) as texts, and so does `apart` of values that are no part of a trial; `forbidden` are
    combinations that none has; `size` counts configurations, inf if continuous, forbidden ones among them where there
    are very many.
    """

    name: str
    dimensions: tuple[Dimension, ...]
    branches: tuple[Branch, ...]
    fixed: tuple[tuple[str, str], ...]
    apart: tuple[tuple[str, str], ...]
    forbidden: tuple[str, ...]
    size: float
    warnings: tuple[Warn, ...]


def describe(space: SearchSpace) -> Description:
    """Describe `space` in words, with its lint."""
    return Description(
        name=space.name,
        dimensions=tuple(map(_dimension, space.parameters)),
        branches=tuple(_branches(space)),
        fixed=tuple((key, _plain(value)) for key, value in space.fixed.items()),
        apart=tuple((entry.key, _plain(entry.value)) for entry in space.apart),
        forbidden=tuple(clause.words for clause in space.forbidden),
        size=count(space),
        warnings=tuple(_lint(space)),
    )


def _dimension(parameter: Parameter) -> Dimension:
    prior = _plain(parameter.prior) if parameter.has_prior else ""
    return Dimension(parameter.key, values_of(parameter), prior, parameter.confidence or "", _when(parameter.condition))


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else shown(value)


def values_of(parameter: Parameter) -> str:
    """Return the values of a dimension in words: `0.01 to 1, log`."""
    if isinstance(parameter, Choice):
        return ("branches " if parameter.branching else "") + ", ".join(map(_plain, parameter.choices))
    # 1 is the step of every range of whole numbers, and would be noise
    step = f", step {parameter.step:g}" if parameter.step not in (None, 1) else ""
    return f"{parameter.low:g} to {parameter.high:g}{', log' if parameter.log else ''}{step}"


def _when(condition: Condition) -> str:
    return ", ".join(f"{key} = {branch}" for key, branch in condition)


def _branches(space: SearchSpace) -> Iterator[Branch]:
    for choice in space.parameters:
        if isinstance(choice, Choice) and choice.branching:
            for name in map(str, choice.choices):
                inside = [p for p in space.parameters if (choice.key, name) in p.condition]
                yield Branch(choice.key, name, len(inside))


def _lint(space: SearchSpace) -> Iterator[Warn]:
    if not space.parameters:
        yield Warn("", "no dimension: every trial would be the same")
    any_prior = any(parameter.has_prior for parameter in space.parameters)
    for parameter in space.parameters:
        if parameter.size() == 1:
            yield Warn(parameter.key, "can take one value only; write it as a fixed value")
            continue
        if scale := _scale(parameter):
            yield Warn(parameter.key, scale)
        if any_prior and not parameter.has_prior:
            yield Warn(parameter.key, "has no prior though others have; the first trial draws it at random")


def _scale(parameter: Parameter) -> str:
    if isinstance(parameter, Choice) or parameter.log or parameter.high < DECADE * max(parameter.low, 0):
        return ""
    if parameter.key.rpartition(".")[2] in RATES:
        return "a rate is better searched with log: true (and low > 0)"
    # evenly drawn, one value in a thousand falls into the lowest decade of three
    if parameter.low > 0 and parameter.high > DECADE**3 * parameter.low:
        return "spans more than three decades; with log: true small values would be tried as often as large ones"
    return ""
