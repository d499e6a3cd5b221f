"""Two models on the same images: the difference, its interval, and how probable it is by chance."""

import numpy as np
import pytest
from hpo.training.evaluation.paired import paired_difference
from numpy.typing import NDArray


def answers(both: int, only_first: int, only_second: int, neither: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    counts = (both, only_first, only_second, neither)
    first = np.repeat([True, True, False, False], counts)
    second = np.repeat([True, False, True, False], counts)
    return first, second


def test_it_is_the_difference_of_the_accuracies() -> None:
    first, second = answers(150, 20, 5, 5)
    paired = paired_difference(first, second)
    assert paired.difference == pytest.approx(first.mean() - second.mean())
    assert (paired.images, paired.only_first, paired.only_second) == (180, 20, 5)
    assert 0 < paired.interval[0] < paired.difference < paired.interval[1]
    assert paired.p < 0.01


def test_the_other_way_round_it_is_the_opposite() -> None:
    first, second = answers(150, 20, 5, 5)
    one, other = paired_difference(first, second), paired_difference(second, first)
    assert other.difference == -one.difference
    assert other.interval == pytest.approx((-one.interval[1], -one.interval[0]), abs=0.006)
    assert other.p == pytest.approx(one.p, abs=0.002)


@pytest.mark.parametrize("count", [0, 4])
def test_as_many_mistakes_are_no_difference(count: int) -> None:
    paired = paired_difference(*answers(100, count, count, 3))
    assert paired.difference == 0
    assert paired.interval[0] <= 0 <= paired.interval[1]
    assert paired.p == 1


def test_p_is_never_zero() -> None:
    paired = paired_difference(*answers(0, 500, 0, 0))
    assert (paired.difference, paired.interval) == (1.0, (1.0, 1.0))
    assert 0 < paired.p < 0.001


def test_pairs_of_equally_good_models_are_rarely_told_apart() -> None:
    random = np.random.default_rng(1)
    told_apart = 0
    for seed in range(300):
        only_first, only_second = random.multinomial(500, [0.04, 0.04, 0.92])[:2]
        told_apart += paired_difference(*answers(400, only_first, only_second, 20), resamples=1000, seed=seed).p <= 0.05
    assert told_apart / 300 < 0.09
