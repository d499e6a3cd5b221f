"""Reading of a dimension: a mapping to a Float, Int or Choice.

Every law of dimensions is checked here.

For example `{low: 1e-4, high: 0.1, log: true}`.
"""

import math
from collections.abc import Collection, Iterable
from typing import Any, cast, get_args

from ..errors import nearest
from .fields import Leaf
from .node import Location, Node, refusal, shown
from .parameter import Choice, Condition, Confidence, Float, Int, Parameter, exact, is_number, is_whole, on_grid

RANGE = frozenset({"low", "high", "log", "step", "prior", "confidence"})
CHOICE = frozenset({"choices", "prior", "confidence"})
_SYNONYMS = {
    **dict.fromkeys(("min", "minimum", "lower", "from", "start"), "low"),
    **dict.fromkeys(("max", "maximum", "upper", "to", "end", "stop"), "high"),
    **dict.fromkeys(("values", "options", "categories", "grid"), "choices"),
    **dict.fromkeys(("default", "initial"), "prior"),
    **dict.fromkeys(("scale", "distribution"), "log"),
    **dict.fromkeys(("q", "increment"), "step"),
}
"""The words of other tools for the keys of a dimension."""
# one column per choice in TPE's categorical kernel, and one line per choice in `hpo check`; a longer list is a range
MAX_CHOICES = 1000
# Optuna keeps numbers as doubles: beyond this many steps neighbours are the same number
MAX_STEPS = 2**53


def dimension(node: Node, key: str, leaf: Leaf, condition: Condition) -> Parameter:
    """Read the dimension that `node` writes down for the field `leaf`.

    Raises:
        SpaceError: the mapping is no dimension, or breaks a law of dimensions or of the field.
    """
    entries = node.mapping or {}
    unknown = [name for name in entries if name not in RANGE | CHOICE]
    if unknown:
        law = f"a dimension has low and high, or choices; {_own_words(unknown, RANGE | CHOICE)}"
        raise refusal(entries[unknown[0]].location, key, f"{law}; got {', '.join(unknown)}")
    if not entries:
        raise refusal(node.location, key, "must be a value or a dimension ({low, high} or {choices}), got {}")
    reader = _Reader(node, key, leaf)
    return reader.choice(condition) if "choices" in entries else reader.range(condition)


def check_keys(node: Node, key: str, allowed: Iterable[str]) -> None:
    """Refuse keys of the mapping `node` that are not `allowed`.

    Raises:
        SpaceError: with the nearest known key.
    """
    allowed = set(allowed)
    for name, entry in (node.mapping or {}).items():
        if name not in allowed:
            law = f"unknown key; {_own_words([name], allowed)}"
            raise refusal(entry.location, f"{key}.{name}" if key else name, law)


def _own_words(unknown: list[str], allowed: Collection[str]) -> str:
    """Return what to write for `unknown` keys.

    The words of this language for those of other tools, else the nearest of the `allowed`.
    """
    translations = {name: _SYNONYMS[name] for name in unknown if _SYNONYMS.get(name, name) in allowed}
    if translations:
        return "write " + ", ".join(f"{own} for {name}" for name, own in translations.items())
    return nearest(unknown[0], allowed)


def confidence(node: Node, key: str) -> Confidence | None:
    """Read the `confidence` of the dimension `node`.

    It says how sure the author is of the prior.

    Raises:
        SpaceError: it is not low, medium or high, or there is no prior to be sure of.
    """
    entry = (node.mapping or {}).get("confidence")
    if entry is None:
        return None
    levels = get_args(Confidence)
    if entry.value not in levels:
        hint = nearest(str(entry.value), levels)
        raise refusal(entry.location, key, f"confidence must be low, medium or high, got {shown(entry)}; {hint}")
    if "prior" not in (node.mapping or {}):
        raise refusal(entry.location, key, f"confidence needs a prior, got confidence {entry.value} alone")
    return cast(Confidence, entry.value)


class _Reader:
    def __init__(self, node: Node, key: str, leaf: Leaf) -> None:
        self.node, self.key, self.leaf = node, key, leaf
        self.entries = node.mapping or {}

    def refuse(self, law: str, at: str = "") -> Exception:
        return refusal(self.entries[at].location if at in self.entries else self.node.location, self.key, law)

    def choice(self, condition: Condition) -> Choice:
        check_keys(self.node, self.key, CHOICE)
        # each in the field's own type: 1 becomes 1.0 for a float field
        choices = [self._checked("choices", item) for item in self._list()]
        for index, value in enumerate(choices):
            if value in choices[:index]:  # also true beside 1, which Optuna cannot tell apart
                first = choices[choices.index(value)]
                raise self.refuse(f"choices must differ, got {shown(first)} and {shown(value)}", "choices")
        choice = Choice(self.key, tuple(choices), confidence=confidence(self.node, self.key), condition=condition)
        if "prior" not in self.entries:
            return choice
        prior = self._checked("prior", self.entries["prior"])
        if not choice.contains(prior):
            raise self.refuse(f"prior must be one of the choices {shown(choices)}, got {shown(prior)}", "prior")
        return Choice(self.key, choice.choices, False, choices.index(prior), choice.confidence, condition)

    def _list(self) -> tuple[Node, ...]:
        items = self.entries["choices"].items
        if items is None:
            raise self.refuse(f"choices must be a list of values here, got {shown(self.entries['choices'])}", "choices")
        if not 1 <= len(items) <= MAX_CHOICES:
            raise self.refuse(f"choices must have 1 to {MAX_CHOICES} elements, got {len(items)}", "choices")
        return items

    def range(self, condition: Condition) -> Float | Int:
        check_keys(self.node, self.key, RANGE)
        low, high = self._number("low"), self._number("high")
        if low > high:
            raise self.refuse(f"low must be <= high, got low {low} and high {high}", "low")
        log = self._log()
        step = self._number("step") if "step" in self.entries else None
        if step is not None and step <= 0:
            raise self.refuse(f"step must be > 0, got {step}", "step")
        if log and low <= 0:
            raise self.refuse(f"low must be > 0 with log: true, got {low}", "low")
        if log and step is not None:
            raise self.refuse(f"step must be left out with log: true, got {step}", "step")
        is_int = self._is_whole(low, high, step)
        return self._int(condition, log) if is_int else self._float(condition, log)

    def _is_whole(self, *numbers: float | None) -> bool:
        by_values = all(number is None or is_whole(number) for number in numbers)
        if Any in self.leaf.scalars or {int, float} <= self.leaf.scalars:
            return by_values
        if float in self.leaf.scalars:
            return False
        if int in self.leaf.scalars:
            return True
        if self.leaf.options:
            raise self.refuse(f"must be choices of {shown(list(self.leaf.options))}, got a range {shown(self.node)}")
        raise self.refuse(f"takes no range, got {shown(self.node)}")

    def _float(self, condition: Condition, log: bool) -> Float:
        # low and high must be legal values of the field themselves, not only what lies between
        low, high = float(self._checked("low")), float(self._checked("high"))
        step = float(self._number("step")) if "step" in self.entries else None
        # -1e308 to 1e308: samplers compute with the width
        if math.isinf(high - low):
            raise self.refuse(f"high - low must be finite, got low {low} and high {high}", "low")
        self._check_step(low, high, step)
        prior = float(self._prior(low, high, step)) if "prior" in self.entries else None
        return Float(self.key, low, high, log, step, prior, confidence(self.node, self.key), condition)

    def _int(self, condition: Condition, log: bool) -> Int:
        low, high = self._whole("low"), self._whole("high")
        step = self._whole("step", field=False) if "step" in self.entries else 1
        self._check_step(low, high, step)
        if low < high:
            # a field may allow only every second number: then the first step shows it
            self._check(low + step, "low + step", self.node.location)
        prior = self._whole("prior") if "prior" in self.entries else None
        if prior is not None:
            self._prior(low, high, step)
        return Int(self.key, low, high, log, step, prior, confidence(self.node, self.key), condition)

    def _check_step(self, low: float, high: float, step: float | None) -> None:
        if step is None:
            return
        if not on_grid(high, low, step):
            width = float(exact(high) - exact(low))
            raise self.refuse(f"step must divide high - low = {width:.15g}, got {step}", "step")
        if (exact(high) - exact(low)) / exact(step) > MAX_STEPS:
            raise self.refuse(f"step must leave at most {MAX_STEPS} values, got {step}", "step")

    def _prior(self, low: float, high: float, step: float | None) -> float:
        prior: float = self._number("prior")
        self._checked("prior")
        if not low <= prior <= high:
            raise self.refuse(f"prior must lie in [{low}, {high}], got {prior}", "prior")
        if not on_grid(prior, low, step):
            raise self.refuse(f"prior must be low plus a multiple of step {step}, got {prior}", "prior")
        return prior

    def _number(self, name: str) -> Any:
        if name not in self.entries:
            raise self.refuse(f"a range needs low and high, got no {name}")
        if not is_number(self.entries[name].value):
            raise self.refuse(f"{name} must be a number, got {shown(self.entries[name])}", name)
        return self.entries[name].value

    def _whole(self, name: str, field: bool = True) -> int:
        value = self._checked(name) if field else self._number(name)
        if not is_whole(value):
            raise self.refuse(f"{name} must be a whole number, got {shown(value)}", name)
        return int(value)

    def _log(self) -> bool:
        log = self.entries["log"].value if "log" in self.entries else False
        if not isinstance(log, bool):
            raise self.refuse(f"log must be true or false, got {shown(log)}", "log")
        return log

    def _checked(self, name: str, item: Node | None = None) -> Any:
        entry = item or self.entries[name]
        if not entry.is_scalar:
            raise refusal(entry.location, self.key, f"{name} must be a value, got {shown(entry)}")
        return self._check(entry.value, "a choice" if name == "choices" else name, entry.location)

    def _check(self, value: Any, name: str, location: Location) -> Any:
        try:
            return self.leaf.check(value)
        except ValueError as error:
            raise refusal(location, self.key, f"{name} {error}, got {shown(value)}") from None
