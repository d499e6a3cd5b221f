"""The values of folds from their means, and their spread."""

import statistics
from itertools import accumulate

import pytest
from hpo.common.folds import spread_of, values_of_folds
from hypothesis import given
from hypothesis import strategies as st

ACCURACIES = st.lists(st.integers(0, 40).map(lambda right: right / 40), min_size=1, max_size=20)


@given(ACCURACIES)
def test_the_values_are_in_the_means(values: list[float]) -> None:
    means = [total / count for count, total in enumerate(accumulate(values), start=1)]
    assert values_of_folds(means) == [round(value, 12) for value in values]


def test_the_standard_error_counts_the_images_that_trainings_share() -> None:
    values = [0.5, 0.6, 0.7, 0.8, 0.9]
    spread = spread_of(values)
    assert spread is not None
    assert spread.sd == pytest.approx(statistics.stdev(values))
    assert spread.se == pytest.approx(spread.sd * (1 / 5 + 32 / 128) ** 0.5)  # Nadeau and Bengio: a fold by the others
    assert spread_of([0.5]) is None
