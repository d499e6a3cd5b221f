"""Ranges that are narrowed about the values of the best trials, or widened at an end."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from math import ceil, floor, log10
from typing import Literal

from ....spaces.parameter import Float, Int
from ....spaces.unit import from_unit, to_unit
from ....studies.records.regions import Region

Range = Float | Int

MARGIN = 0.1
"""How far a range reaches beyond the values of the best on either side, on its scale: what is best may lie beside what
was tried."""

WORTH = 0.8
"""A range that would keep more than this of its scale is left as it is."""

WIDENED = (1 / 2, 1 / 4, 1 / 8, 1 / 16, 1 / 32)
"""By how much of its scale a range is widened: the most of these that its field allows."""


def narrowed(parameter: Range, region: Region) -> Range:
    """Narrow a range to what the best trials can have, and to its prior, with a MARGIN.

    Returns the range itself where that is not WORTH it.
    """
    kept = (region.least, region.greatest, parameter.prior)
    places = [to_unit(parameter, value) for value in kept if value is not None]
    margin = max(MARGIN, 1 / parameter.size())  # one value at least, where they are few
    low, high = max(0.0, min(places) - margin), min(1.0, max(places) + margin)
    if high - low > WORTH:
        return parameter
    ends = from_unit(parameter, low), from_unit(parameter, high)
    least, greatest = ends if parameter.size() < float("inf") else _rounded(parameter, *ends)  # type: ignore[arg-type]
    return replace(parameter, low=least, high=greatest)  # type: ignore[arg-type]


def widened(parameter: Range, end: Literal["lowest", "highest"], fits: Callable[[Range], bool]) -> Range:
    """Widen a range at an end as far as `fits` allows; the range itself where its field allows no more."""
    return next((wider for wider in _wider(parameter, end) if fits(wider)), parameter)


def _wider(parameter: Range, end: Literal["lowest", "highest"]) -> Iterator[Range]:
    for share in WIDENED:
        low, high = parameter.low, parameter.high
        if parameter.log:
            factor = (high / low) ** share
            beyond = low / factor if end == "lowest" else high * factor
        else:
            step = parameter.step or 0.0
            width = max(1, round(share * (high - low) / step)) * step if step else share * (high - low)
            beyond = low - width if end == "lowest" else high + width
        if isinstance(parameter, Int):
            beyond = max(1, round(beyond)) if parameter.log else round(beyond)
        else:
            beyond = _digits(beyond)
        yield replace(parameter, **{"low" if end == "lowest" else "high": beyond})


def _digits(value: float) -> float:
    """A number as people write it, in three digits."""
    return float(f"{value:.3g}")


def _rounded(parameter: Range, low: float, high: float) -> tuple[float, float]:
    """Ends in few digits, rounded outwards and within the range that there was."""
    # on a log scale each end has digits of its own, else both have those that their distance needs
    quanta = [
        10 ** (floor(log10(abs(size or 1.0))) - 1) for size in ((low, high) if parameter.log else [high - low] * 2)
    ]
    least, greatest = floor(low / quanta[0]) * quanta[0], ceil(high / quanta[1]) * quanta[1]
    return max(parameter.low, float(f"{least:.12g}")), min(parameter.high, float(f"{greatest:.12g}"))
