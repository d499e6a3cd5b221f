"""Pareto fronts of points, whose numbers are better the higher they are."""

from bisect import bisect_left
from collections.abc import Sequence
from itertools import chain
from math import hypot, inf, isfinite

Point = Sequence[float]


def dominates(one: Point, other: Point) -> bool:
    """Whether `one` is at least as good as `other` in each number, and better in one."""
    return tuple(one) != tuple(other) and all(mine >= theirs for mine, theirs in zip(one, other, strict=True))


def front_numbers(points: Sequence[Point]) -> list[int]:
    """The front of each point, from 0 for those that none dominates; 1 for those that only such ones do, and so on.

    By efficient non-dominated sorting: Zhang et al. 2015, IEEE Transactions on Evolutionary Computation 19(2).
    """
    numbers, fronts = [0] * len(points), list[list[Point]]()
    # in this order none dominates one before it, and what dominates one is before it
    for index in sorted(range(len(points)), key=lambda index: tuple(points[index]), reverse=True):
        point = points[index]
        # with two numbers the second one only grows along a front, so that its last point speaks for all
        last = 1 if len(point) == 2 else None
        numbers[index] = bisect_left(
            range(len(fronts)), True, key=lambda n: not any(dominates(each, point) for each in fronts[n][:last])
        )
        if numbers[index] == len(fronts):
            fronts.append([])
        fronts[numbers[index]].insert(0, point)
    return numbers


def fronts(points: Sequence[Point]) -> list[list[int]]:
    """The indices of points by front, in each those first that have most room about them; none for no points.

    The room is the crowding distance of Deb et al. 2002, A fast and elitist multiobjective genetic algorithm: NSGA-II,
    section III.B; the ends of a front have infinite room. Of equals the earlier one comes first.
    """
    numbers = front_numbers(points)
    members: list[list[int]] = [[] for _ in range(max(numbers, default=-1) + 1)]
    for index, number in enumerate(numbers):
        members[number].append(index)
    return [_roomiest_first(points, front) for front in members]


def best_first(points: Sequence[Point]) -> list[int]:
    """The indices of points in the order of `fronts`."""
    return list(chain.from_iterable(fronts(points)))


def knee(points: Sequence[Point]) -> int:
    """The index of the point that is nearest to the best of each number, all scaled to [0, 1] over the points.

    It is the compromise of Zeleny 1973, Compromise programming, with Euclid's distance.
    """
    columns = list(zip(*points, strict=True))
    best, spans = [max(column) for column in columns], [max(column) - min(column) or 1.0 for column in columns]

    def distance(point: Point) -> float:
        return hypot(*((top - value) / span for value, top, span in zip(point, best, spans, strict=True)))

    return min(range(len(points)), key=lambda index: distance(points[index]))


def _roomiest_first(points: Sequence[Point], front: Sequence[int]) -> list[int]:
    rooms = _rooms([points[index] for index in front])
    return [index for _, index in sorted((-room, index) for room, index in zip(rooms, front, strict=True))]


def _rooms(front: Sequence[Point]) -> list[float]:
    """The crowding distance of each point of a front."""
    rooms = [0.0] * len(front)
    for axis in range(len(front[0])):
        order = sorted(range(len(front)), key=lambda index: front[index][axis])
        values = [front[index][axis] for index in order]
        span = values[-1] - values[0]
        if span > 0:
            rooms[order[0]] = rooms[order[-1]] = inf
        if span > 0 and isfinite(span):
            for place in range(1, len(order) - 1):
                rooms[order[place]] += (values[place + 1] - values[place - 1]) / span
    return rooms
