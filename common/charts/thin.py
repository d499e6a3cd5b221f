"""Fewer points and fewer things, so that a page stays small however much there is."""

from collections.abc import Collection, Sequence
from typing import TypeVar

from .svg import Point

T = TypeVar("T")


def thinned_line(points: Sequence[Point], most: int) -> list[Point]:
    """Return at most `most` (at least 4) of the points of a line, with its ends, peaks and valleys.

    In each of equal parts the lowest and the highest point stay: at the width of a picture the line is the same.
    """
    if len(points) <= most:
        return list(points)
    parts = (most - 2) // 2
    kept = {0, len(points) - 1}
    for part in range(parts):
        rows = range(part * len(points) // parts, (part + 1) * len(points) // parts)
        kept |= {min(rows, key=lambda row: points[row][1]), max(rows, key=lambda row: points[row][1])}
    return [points[row] for row in sorted(kept)]


def thinned(things: Sequence[T], most: int, keep: Collection[int] = ()) -> list[T]:
    """Return at most `most` of `things` in their order, evenly spread; those at `keep` stay before others."""
    if len(things) <= most:
        return list(things)
    kept = list(keep)[:most]
    others = [place for place in range(len(things)) if place not in set(kept)]
    room = most - len(kept)
    kept += [others[index * len(others) // room] for index in range(room)]
    return [things[place] for place in sorted(kept)]


def thinned_words(shown: int, count: int, noun: str) -> str:
    """Say how many of `count` things are drawn; empty where all are.

    >>> thinned_words(400, 10000, "trials")
    '400 of 10,000 trials are drawn, evenly spread.'
    """
    return f"{shown:,} of {count:,} {noun} are drawn, evenly spread." if shown < count else ""
