"""The order of trials that stand at different rungs."""

import random
from collections.abc import Callable

import pytest
from hpo.search.strategy.curves import Curves
from hpo.search.strategy.history import Finished
from hpo.search.strategy.proposers.standing import Standing


@pytest.fixture
def curves() -> Curves:
    return Curves("minimize", 9)


@pytest.fixture
def standing(curves: Curves) -> Standing:
    return Standing(curves)


def order(standing: Standing) -> list[int]:
    return standing.at(range(len(standing)))


def test_further_is_better_then_the_value_then_the_number(curves: Curves, standing: Standing) -> None:
    for number, values in enumerate([(0.5,), (0.9, 0.8), (0.4,), (0.5,), (0.9, 0.7)]):
        for epoch, value in enumerate(values, 1):
            curves.report(number, epoch, value)
    standing.follow(set(range(5)))
    assert order(standing) == [4, 1, 2, 0, 3]


def test_complete_trials_come_first_and_those_that_broke_constraints_last(curves: Curves, standing: Standing) -> None:
    curves.report(0, 8, 0.1)
    standing.follow({0})
    standing.end(Finished(1, {}, 0.9, epoch=5))  # complete: its patience was over
    standing.end(Finished(2, {}, 0.1, epoch=9, complete=False, violation=2.0))
    standing.end(Finished(3, {}, None, epoch=0, complete=False))
    assert order(standing) == [1, 0, 3, 2]


def test_a_trial_that_goes_on_moves_up(curves: Curves, standing: Standing) -> None:
    for number, value in enumerate((0.3, 0.5)):
        curves.report(number, 1, value)
    standing.follow({0, 1})
    assert order(standing) == [0, 1]
    curves.report(1, 2, 0.6)
    standing.follow({0, 1})
    assert order(standing) == [1, 0]


def test_one_that_failed_is_forgotten(curves: Curves, standing: Standing) -> None:
    curves.report(0, 1, 0.3)
    standing.follow({0})
    standing.end(Finished(0, {}, None, failed=True))
    curves.report(0, 2, 0.3)
    standing.follow({0})
    assert order(standing) == []


def test_one_that_has_reported_nothing_is_silent(curves: Curves, standing: Standing) -> None:
    curves.report(2, 1, 0.3)
    standing.follow({0, 1, 2})
    assert standing.silent() == [0, 1]
    assert order(standing) == [2]


def test_one_that_runs_no_more_counts_again_when_it_runs_again(curves: Curves, standing: Standing) -> None:
    curves.report(0, 1, 0.3)
    standing.follow({0, 1})
    standing.follow(set())
    assert (order(standing), standing.silent()) == ([], [])
    standing.follow({0})
    assert order(standing) == [0]


def test_the_order_of_events_does_not_matter(curves: Curves) -> None:
    running = {0, 1, 4}
    events: list[Callable[[Standing], None]] = [
        lambda standing: standing.end(Finished(2, {}, 0.4)),
        lambda standing: standing.end(Finished(3, {}, 0.4)),
        lambda standing: standing.end(Finished(5, {}, None, failed=True)),
        lambda standing: standing.follow({0, 1, 2, 3, 4, 5}),
        lambda standing: standing.follow({4}),
    ]
    for number in range(5):
        curves.report(number, 1, number % 3)
    orders = []
    for seed in range(10):
        random.Random(seed).shuffle(events)
        standing = Standing(curves)
        for event in events:
            event(standing)
        standing.follow(running)
        orders.append(order(standing))
    assert orders == [[2, 3, 0, 1, 4]] * 10
