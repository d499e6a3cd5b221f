"""Pareto fronts, against their definition."""

import pytest
from hpo.common.fronts import Point, best_first, dominates, front_numbers, knee
from hypothesis import given
from hypothesis import strategies as st

NUMBERS = st.sampled_from([0.0, 0.5, 1.0, 2.0, float("-inf")])


def points_of(axes: int) -> st.SearchStrategy[list[tuple[float, ...]]]:
    return st.lists(st.tuples(*[NUMBERS] * axes), min_size=1, max_size=25)


def by_definition(points: list[tuple[float, ...]]) -> list[int]:
    numbers, left, front = [0] * len(points), {*range(len(points))}, 0
    while left:
        best = {one for one in left if not any(dominates(points[other], points[one]) for other in left)}
        for one in best:
            numbers[one] = front
        left, front = left - best, front + 1
    return numbers


@given(st.integers(1, 4).flatmap(points_of))
def test_fronts_are_what_is_left_undominated(points: list[tuple[float, ...]]) -> None:
    assert front_numbers(points) == by_definition(points)


@given(points_of(3))
def test_the_order_has_each_once_front_after_front(points: list[tuple[float, ...]]) -> None:
    order, numbers = best_first(points), front_numbers(points)
    assert sorted(order) == [*range(len(points))]
    assert [numbers[index] for index in order] == sorted(numbers)


@given(points_of(1))
def test_one_number_is_an_order_of_its_own(points: list[tuple[float, ...]]) -> None:
    assert best_first(points) == sorted(range(len(points)), key=lambda index: (-points[index][0], index))


def test_within_a_front_the_ends_come_first_then_what_has_room() -> None:
    front: list[Point] = [(0.0, 10.0), (1.0, 9.0), (1.5, 8.5), (6.0, 4.0), (10.0, 0.0)]
    assert best_first(front) == [0, 4, 3, 2, 1]


@pytest.mark.parametrize(
    ("points", "index"),
    [
        ([(1.0, 0.0), (0.9, 0.9), (0.0, 1.0)], 1),
        ([(100.0, 0.0), (90.0, 0.009), (0.0, 0.01)], 1),  # whatever the units
        ([(3.0, 3.0)], 0),
        ([(1.0, 5.0), (1.0, 5.0)], 0),
    ],
)
def test_the_knee_is_near_to_the_best_of_all(points: list[Point], index: int) -> None:
    assert knee(points) == index
