"""Where values lie on axes, and which are written there."""

import math
from typing import Any

import pytest
from hpo.common.charts.scale import NAMED, Categories, Numbers, around
from hypothesis import given
from hypothesis import strategies as st

FINITE = st.floats(-1e9, 1e9, allow_nan=False)


def test_numbers_lie_between_the_ends() -> None:
    scale = Numbers(0, 10, 100, 200)
    assert [scale.place(value) for value in (0, 2.5, 10)] == [100, 125, 200]
    assert [Numbers(0.01, 1, 0, 100, log=True).place(value) for value in (0.01, 0.1, 1)] == pytest.approx([0, 50, 100])
    assert [Numbers(0, 1, 90, 10).place(value) for value in (0, 1)] == [90, 10]  # upward


@pytest.mark.parametrize("value", [math.nan, math.inf, None, "x", True, [1]])
def test_what_is_no_number_has_no_place(value: Any) -> None:
    assert Numbers(0, 1, 0, 100).place(value) is None
    assert Numbers(0.1, 1, 0, 100, log=True).place(value) is None


def test_of_a_range_of_one_value_it_lies_in_the_middle() -> None:
    assert Numbers(3, 3, 0, 100).place(3) == 50
    assert Numbers(3, 3, 0, 100).ticks(5)


@pytest.mark.parametrize(
    ("scale", "texts"),
    [
        (Numbers(0, 1, 0, 1), ["0", "0.2", "0.4", "0.6", "0.8", "1"]),
        (Numbers(0.47, 0.83, 0, 1), ["0.5", "0.6", "0.7", "0.8"]),
        (Numbers(1e-5, 1e-1, 0, 1, log=True), ["1e-05", "0.0001", "0.001", "0.01", "0.1"]),
        (Numbers(0.02, 0.08, 0, 1, log=True), ["0.02", "0.05"]),
        (Numbers(-3, 300000, 0, 1), ["0", "100000", "200000", "300000"]),
    ],
)
def test_round_numbers_are_written(scale: Numbers, texts: list[str]) -> None:
    assert [tick.text for tick in scale.ticks(6)] == texts


@given(FINITE, FINITE, st.integers(1, 9))
def test_ticks_are_few_and_lie_on_the_axis(one: float, other: float, most: int) -> None:
    scale = Numbers(min(one, other), max(one, other), 0, 100)
    ticks = scale.ticks(most)
    assert len(ticks) <= 3 * most + 3
    assert all(0 <= tick.place <= 100 for tick in ticks)


@given(st.floats(1e-12, 1e12), st.floats(1e-12, 1e12))
def test_ticks_of_a_log_scale_are_few_and_lie_on_it(one: float, other: float) -> None:
    ticks = Numbers(min(one, other), max(one, other), 0, 100, log=True).ticks(6)
    assert 1 <= len(ticks) <= 12
    assert all(0 <= tick.place <= 100 for tick in ticks)


def test_categories_are_told_apart_by_type() -> None:
    scale = Categories((1, True, "1", None), 0, 80)
    assert [scale.place(value) for value in (1, True, "1", None)] == [10, 30, 50, 70]
    assert scale.place(1.0) is None
    assert scale.place("other") is None


def test_long_names_are_shortened_and_too_many_left_out() -> None:
    (tick,) = Categories(("a name that is too long",), 0, 80).ticks(1)
    assert (tick.text, tick.full) == ("a name that…", "a name that is too long")
    assert Categories(tuple(range(NAMED + 1)), 0, 80).ticks(1) == []


@given(st.lists(st.floats()))
def test_whatever_the_values_an_axis_holds_the_finite_ones(values: list[float]) -> None:
    scale = around(values, 0, 100)
    assert scale.low < scale.high or not all(abs(value) < 1e300 for value in values if math.isfinite(value))
    assert all(scale.place(value) is not None for value in values if math.isfinite(value))
