"""Which differences a validation split shows, and what is advised where they are large."""

import numpy as np
import pytest
from hpo.training.data.validation_note import COARSE, least_difference, validation_note


def test_the_difference_is_the_one_that_chance_seldom_makes() -> None:
    random = np.random.default_rng(0)
    one, other = (random.binomial(1000, 0.9, 20_000) / 1000 for _ in range(2))
    assert np.mean(np.abs(one - other) > least_difference(1000)) == pytest.approx(0.05, abs=0.01)


def test_a_fine_split_needs_no_advice() -> None:
    assert least_difference(6000) < COARSE
    assert validation_note(6000, 54_000, is_given=False) == (
        "the validation split has 6,000 images: it tells two configurations apart that differ by 1.1 points of accuracy"
    )


def test_a_coarse_one_should_be_of_folds() -> None:
    assert "--set data.folds=5 validates each of 1,617 images once (2.1 points)" in validation_note(
        180, 1437, is_given=False
    )
    assert "folds" not in validation_note(180, 1437, is_given=True)
