"""Percentile, patience, threshold and Wilcoxon's test, by curves made by hand and by their laws for any curves."""

import math
from collections.abc import Sequence
from typing import Literal

import pytest
from hpo.search.strategy.base import GO, STOP, Decision
from hpo.search.strategy.curves import Curves
from hpo.search.strategy.schedulers.registry import build_scheduler
from hypothesis import given
from hypothesis import strategies as st

EPOCHS = 9
UP = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]
Direction = Literal["maximize", "minimize"]


def decided(
    name: str, complete: Sequence[Sequence[float]], curve: Sequence[float], direction: Direction = "maximize"
) -> list[Decision]:
    """What is decided at each epoch of a trial's `curve`, after trials with `complete` ones."""
    curves, scheduler = Curves(direction, EPOCHS), build_scheduler(name, EPOCHS)
    said: list[Decision] = []
    for number, values in enumerate([*complete, curve]):
        said = []
        for epoch, value in enumerate(values, 1):
            curves.report(number, epoch, value)
            said.append(scheduler.on_report(curves, number))
    return said


def stopped_at(
    name: str, complete: Sequence[Sequence[float]], curve: Sequence[float], direction: Direction = "maximize"
) -> int | None:
    """The first epoch at which the trial is stopped."""
    said = decided(name, complete, curve, direction)
    return said.index(STOP) + 1 if STOP in said else None


def scaled(*heights: float) -> list[list[float]]:
    return [[height * value for value in UP] for height in heights]


@pytest.mark.parametrize(
    ("name", "height", "epoch"),
    [
        ("percentile:25", 0.75, 3),
        ("percentile:25", 0.85, None),
        ("percentile:50", 0.55, 3),
        ("percentile:50", 0.65, None),
        ("percentile:75", 0.35, 3),
        ("percentile:75", 0.45, None),
        ("percentile", 0.75, 3),
    ],
)
def test_percentile_keeps_the_best_so_many_per_cent(name: str, height: float, epoch: int | None) -> None:
    assert stopped_at(name, scaled(0.2, 0.4, 0.6, 0.8, 1.0), scaled(height)[0]) == epoch


@given(st.lists(st.lists(st.integers(0, 20), min_size=EPOCHS, max_size=EPOCHS), min_size=5, max_size=9))
def test_half_of_the_percentiles_is_the_median(curves: list[list[float]]) -> None:
    assert decided("percentile:50", curves[1:], curves[0]) == decided("median", curves[1:], curves[0])


def test_patience_waits_for_a_trial_that_improves() -> None:
    others = scaled(1.0, 1.0, 1.0, 1.0)
    assert stopped_at("median", others, scaled(0.5)[0]) == 3
    assert stopped_at("patient:3", others, scaled(0.5)[0]) is None, "it improves at every epoch"
    flat = [0.1, 0.2, 0.2, 0.1, 0.2, 0.2, 0.2, 0.2, 0.2]
    assert stopped_at("patient:1", others, flat) == 3
    assert stopped_at("patient:3", others, flat) == 5
    assert stopped_at("patient", others, flat) == 5
    assert stopped_at("patient:6", others, flat) == 8
    assert stopped_at("patient:8", others, flat) is None


def test_patience_lets_go_on_what_stands_still_above_the_others() -> None:
    assert stopped_at("patient:1", scaled(0.1, 0.1, 0.1, 0.1), [0.2] * EPOCHS) is None


@given(
    st.lists(st.lists(st.integers(0, 20), min_size=EPOCHS, max_size=EPOCHS), min_size=5, max_size=7), st.integers(1, 9)
)
def test_patience_stops_only_what_the_median_stops(curves: list[list[float]], patience: int) -> None:
    patient = decided(f"patient:{patience}", curves[1:], curves[0])
    median = decided("median", curves[1:], curves[0])
    for epoch, (ours, theirs) in enumerate(zip(patient, median, strict=True), 1):
        before, recent = curves[0][: max(0, epoch - patience)], curves[0][max(0, epoch - patience) : epoch]
        waits = not before or max(recent) > max(before)
        assert ours is (GO if waits else theirs)


@pytest.mark.parametrize(
    ("name", "curve", "epoch"),
    [
        ("threshold:0.3,3", [0.1, 0.2, 0.29, 0.9], 3),
        ("threshold:0.3,3", [0.1, 0.3, 0.1, 0.1], None),  # it had reached it
        ("threshold:0.3", [0.2, 0.2, 0.4], None),  # 9 epochs: from the third on
        ("threshold:0.3", [0.2, 0.2, 0.2], 3),
        ("threshold", [0.0, 0.0, 0.0], None),
        ("threshold", [math.nan, math.nan, math.nan], 3),
        ("threshold:0.3,1", [0.1], 1),
    ],
)
def test_a_threshold_has_to_be_reached_by_an_epoch(name: str, curve: list[float], epoch: int | None) -> None:
    assert stopped_at(name, [], curve) == epoch


def test_a_threshold_is_an_upper_one_where_less_is_better() -> None:
    assert stopped_at("threshold:0.3,2", [], [0.5, 0.4], "minimize") == 2
    assert stopped_at("threshold:0.3,2", [], [0.5, 0.3], "minimize") is None


def test_wilcoxon_needs_four_pairs_and_the_best_complete_trial() -> None:
    assert stopped_at("wilcoxon", scaled(0.3, 0.9), scaled(0.5)[0]) == 4  # p = 1/16
    assert stopped_at("wilcoxon:0.05", scaled(0.3, 0.9), scaled(0.5)[0]) == 5  # p = 1/32
    assert stopped_at("wilcoxon:0.01", scaled(0.3, 0.9), scaled(0.5)[0]) == 7  # p = 1/128
    assert stopped_at("wilcoxon", scaled(0.3, 0.4), scaled(0.5)[0]) is None
    assert stopped_at("wilcoxon", [], scaled(0.5)[0]) is None


def test_wilcoxon_spares_what_is_better_in_the_mean() -> None:
    best = [0.5] * EPOCHS
    assert stopped_at("wilcoxon", [best], [0.49, 0.49, 0.49, 0.49, 0.49, 0.49, 0.49, 0.49]) == 4
    assert stopped_at("wilcoxon", [best], [0.9, 0.49, 0.49, 0.49, 0.49, 0.49, 0.49, 0.49]) is None
    assert stopped_at("wilcoxon", [best], best[:8]) is None


@pytest.mark.parametrize("value", [math.nan, -math.inf])
def test_wilcoxon_does_not_judge_what_is_no_number(value: float) -> None:
    assert stopped_at("wilcoxon", scaled(0.9), [value] * 8) is None
    assert stopped_at("wilcoxon", [[value] * EPOCHS], scaled(0.9)[0][:8]) is None


Reports = list[tuple[int, float]]


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 9)), max_size=60), st.lists(st.integers(0, 5)))
def test_the_best_complete_curve_is_found_whatever_comes_first(reports: Reports, ends: list[int]) -> None:
    """The end of a trial may be told before its reports, after them or in between."""
    early, late = Curves("minimize"), Curves("minimize")
    epochs = dict.fromkeys(range(6), 0)
    for number in ends:
        early.end(number)
    for number, value in reports:
        epochs[number] += 1
        early.report(number, epochs[number], value)
        late.report(number, epochs[number], value)
    for number in ends:
        late.end(number)
    ended = [late[number] for number in sorted(set(ends)) if epochs[number]]
    expected = max(ended, key=lambda curve: curve.last, default=None)  # the first of equals
    assert late.best_complete() is expected
    found = early.best_complete()
    assert (found and found.scores) == (expected and expected.scores)
