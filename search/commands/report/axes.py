"""Scales for the parameters of a study."""

from collections.abc import Sequence
from typing import Any

from ....common.charts.scale import Categories, Numbers, Scale
from .material import Material

DECADES = 100.0
"""A parameter without a range that is on record has a log scale where its largest value is so many times its least."""


def scale_of(material: Material, key: str, values: Sequence[Any], start: float, end: float) -> Scale | None:
    """The scale of a parameter that has `values`; None where it has but one.

    It is that of the space where the study has it, widened to values of before the space was changed.
    """
    entry = material.dimensions.get(key, {})
    choices = entry.get("choices")
    if isinstance(choices, list):
        return Categories((*choices, *_others(values, choices)), start, end)
    if not all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        return _unless_one(Categories(tuple(_others(values, [])), start, end))
    ends = [entry[name] for name in ("low", "high") if isinstance(entry.get(name), int | float)]
    low, high = min([*values, *ends]), max([*values, *ends])
    log = bool(entry.get("log")) if ends else low > 0 and high / low >= DECADES
    return Numbers(low, high, start, end, log=log and low > 0) if high > low else None


def _unless_one(scale: Categories) -> Categories | None:
    return scale if len(scale.names) > 1 else None


def _others(values: Sequence[Any], names: Sequence[Any]) -> list[Any]:
    """The values that are not among `names`, in a fixed order; by type, too, as 1 and True are equal."""
    known = {(type(name), name) for name in names}
    return sorted({value for value in values if (type(value), value) not in known}, key=str)
