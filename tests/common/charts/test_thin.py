"""Fewer points that draw the same line, and fewer things that stand for all."""

from hpo.common.charts.thin import thinned, thinned_line, thinned_words
from hypothesis import given
from hypothesis import strategies as st

VALUES = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=300)


@given(VALUES, st.integers(4, 50))
def test_a_line_keeps_its_ends_its_highest_and_its_lowest(values: list[float], most: int) -> None:
    points = list(enumerate(values))
    kept = thinned_line(points, most)
    assert len(kept) <= max(most, 4)
    assert kept == sorted(set(kept))
    assert {points[0], points[-1]} <= set(kept)
    assert min(values) == min(value for _, value in kept)
    assert max(values) == max(value for _, value in kept)


@given(st.integers(0, 300), st.integers(1, 50), st.sets(st.integers(0, 299)))
def test_things_keep_their_order_and_those_that_must_stay(count: int, most: int, keep: set[int]) -> None:
    wanted = sorted(each for each in keep if each < count)
    kept = thinned(range(count), most, wanted)
    assert len(kept) == min(count, most)
    assert kept == sorted(set(kept))
    assert set(wanted[:most]) <= set(kept)


def test_it_is_said_how_many_are_drawn() -> None:
    assert thinned_words(3, 3, "trials") == ""
