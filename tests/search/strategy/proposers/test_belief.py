"""What priors say: densities that add up to one, and draws that follow them."""

import numpy as np
import pytest
from hpo.search.strategy.proposers.belief import Belief, Near, belief_in
from hpo.spaces.parameter import Choice, Confidence, Float

CONFIDENCES: list[Confidence] = ["low", "medium", "high"]


def believed(confidence: Confidence | None, prior: float = 0.1) -> Belief:
    belief = belief_in(Float("x", 0.0, 1.0, prior=prior, confidence=confidence))
    assert belief is not None
    return belief


def test_there_is_none_without_a_prior() -> None:
    assert belief_in(Float("x", 0.0, 1.0)) is None


@pytest.mark.parametrize("confidence", CONFIDENCES)
def test_the_density_of_a_number_adds_up_to_one(confidence: Confidence) -> None:
    places = (np.arange(10_000) + 0.5) / 10_000
    assert np.exp(believed(confidence).log_odds(places)).mean() == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("confidence", CONFIDENCES)
def test_the_chances_of_a_choice_add_up_to_one(confidence: Confidence) -> None:
    belief = belief_in(Choice("c", ("a", "b", "c"), prior_index=1, confidence=confidence))
    assert belief is not None
    odds = np.exp(belief.log_odds(np.array([1 / 6, 1 / 2, 5 / 6])))
    assert odds.mean() == pytest.approx(1)
    assert odds[1] > odds[0] == odds[2]


def test_the_surer_the_nearer_are_the_draws() -> None:
    random = np.random.default_rng(0)
    low, medium, high = (abs(believed(sure, 0.5).draw(random, 500) - 0.5).mean() for sure in CONFIDENCES)
    assert low > 1.3 * medium > 1.6 * high


def test_draws_stay_in_the_range_and_few_of_them_are_far_away() -> None:
    draws = Near(0.0, 0.07).draw(np.random.default_rng(0), 500)
    assert draws.min() >= 0
    assert draws.max() <= 1
    assert 0 < (draws > 0.3).sum() < 80


def test_a_prior_without_a_confidence_is_of_medium_confidence() -> None:
    assert believed(None) == believed("medium")
