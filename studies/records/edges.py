"""Dimensions whose best values lie at an end of their range."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import log
from typing import Any, Literal

TRIED = 15
"""So many trials must have ended: the best of fewer lie anywhere."""

BEST, AGREEING = 5, 4
"""Of the best trials so many must lie at the same end: with values drawn evenly that is 1 case in 2,000 for an end."""

SHARE = 0.1
"""The share of a range, on its scale, that is an end of it."""

VALUES = 10
"""The fewest values of a whole number for its range to have ends: of fewer, a tenth is less than one."""


@dataclass(frozen=True, slots=True)
class Edge:
    """A dimension of which `agreeing` of the `best` trials have values in the `end` tenth of [low, high]."""

    key: str
    end: Literal["lowest", "highest"]
    low: float
    high: float
    agreeing: int
    best: int

    @property
    def words(self) -> str:
        """The line for people."""
        which = f"{self.key} in the {self.end} tenth of {self.low:g} to {self.high:g}"
        return f"{self.agreeing} of the {self.best} best have {which}: a wider range may hold better ones"


def edges(space: str, best: Sequence[Mapping[str, Any]], tried: int) -> list[Edge]:
    """Find the dimensions at whose ends the parameters of the `best` trials lie, of `tried` that have ended.

    `space` is the canonical JSON that a study keeps, "" for none. An end at 0, or at 1 on a linear scale, is left out:
    shares and probabilities go no further.
    """
    if tried < TRIED or len(best) < BEST or not space:
        return []
    try:
        parameters = json.loads(space)["parameters"]
    except (ValueError, KeyError, TypeError):  # of another version, or edited
        return []
    return [edge for key, entry in parameters.items() for edge in _edges(key, entry, best[:BEST])]


def _edges(key: str, entry: Mapping[str, Any], best: Sequence[Mapping[str, Any]]) -> Iterator[Edge]:
    if entry.get("type") not in ("float", "int") or not entry["low"] < entry["high"]:
        return
    low, high, step = entry["low"], entry["high"], entry.get("step")
    if step and (high - low) / step + 1 < VALUES:
        return
    places = [_place(params[key], low, high, is_log=bool(entry["log"])) for params in best if key in params]
    lowest, highest = sum(place <= SHARE for place in places), sum(place >= 1 - SHARE for place in places)
    if lowest >= AGREEING and low != 0:
        yield Edge(key, "lowest", low, high, lowest, len(best))
    if highest >= AGREEING and (entry["log"] or high != 1):
        yield Edge(key, "highest", low, high, highest, len(best))


def _place(value: float, low: float, high: float, *, is_log: bool) -> float:
    """The place of a value in its range, in [0, 1] where it is of that."""
    if is_log:
        return log(value / low) / log(high / low) if value > 0 else 0.0
    return (value - low) / (high - low)
