"""What fresh values say: means, intervals that hold them, and probabilities that mean what they say."""

import math

import numpy as np
import pytest
from hpo.search.commands.retrain.posterior import Estimate, estimate
from scipy.special import stdtr, stdtrit


def best(values: list[list[float]], *, overlap: float = 0.0, out: tuple[int, ...] = ()) -> list[float | None]:
    return [each.probability for each in estimate(values, step=1e-6, overlap=overlap, out=out)]


@pytest.mark.parametrize("overlap", [0.0, 0.25])
def test_of_two_it_is_the_paired_t_test(overlap: float) -> None:
    first, second = [0.91, 0.95, 0.90, 0.93], [0.90, 0.92, 0.91, 0.90]
    differences = np.subtract(first, second)
    scale = math.sqrt(differences.var(ddof=1) * (1 / 4 + overlap))
    wanted = stdtr(3, differences.mean() / scale)
    found = best([first, second], overlap=overlap)
    assert found == pytest.approx([wanted, 1 - wanted], abs=0.01)


def test_what_a_repetition_shares_does_not_blur_the_difference() -> None:
    easy_and_hard = [0.5, 0.9, 0.7]
    better = [value + gain for value, gain in zip(easy_and_hard, (0.010, 0.011, 0.009), strict=True)]
    assert (best([better, easy_and_hard])[0] or 0) > 0.99


def test_a_stopped_one_is_compared_on_what_it_ran() -> None:
    runs_on, stopped = [0.90, 0.90, 0.50], [0.85, 0.85]  # the third repetition was hard
    means = [each.mean for each in estimate([runs_on, stopped], step=0.01, overlap=0.0)]
    assert means == pytest.approx([0.7667, 0.7167], abs=1e-4)


def test_more_candidates_make_two_repetitions_enough() -> None:
    """Only one degree of freedom is in two pairs, and three are in five candidates."""
    two = best([[0.9, 0.91], [0.7, 0.69]])[1]
    five = best([[0.9, 0.91], [0.7, 0.69], [0.71, 0.7], [0.68, 0.7], [0.7, 0.72]])[1]
    assert two is not None
    assert five is not None
    assert five < 0.01 < two


def test_a_single_value_of_each_tells_nothing() -> None:
    assert estimate([[0.9], [0.5]], step=0.01, overlap=0.0) == [Estimate(0.9, None, None), Estimate(0.5, None, None)]


def test_the_only_one_is_the_best() -> None:
    assert best([[0.9, 0.8]]) == [1.0]
    assert best([[0.9, 0.8], [0.99]], out=(1,)) == [1.0, 0.0]


def test_who_is_out_is_not_the_best_and_its_values_still_count() -> None:
    found = best([[0.9, 0.91], [0.8, 0.82], [0.99, 0.98]], out=(2,))
    assert found[2] == 0.0
    assert sum(each or 0 for each in found) == pytest.approx(1)


def test_values_that_agree_to_the_last_digit_are_no_proof() -> None:
    """Two of ten images right, twice: an image more or less would be no surprise."""
    same, one_more = [0.2, 0.2], [0.3, 0.3]
    probabilities = [each.probability for each in estimate([same, one_more], step=0.1, overlap=0.0)]
    assert probabilities[0] == pytest.approx(1 - stdtr(1, 1.0), abs=0.01)


def test_the_interval_is_student_s_with_the_overlap() -> None:
    values = [0.91, 0.95, 0.90, 0.93]
    (found,) = estimate([values], step=0.001, overlap=0.125)
    assert found.mean == pytest.approx(np.mean(values))
    assert found.half_width == pytest.approx(stdtrit(3, 0.975) * np.std(values, ddof=1) * math.sqrt(1 / 4 + 0.125))


def test_intervals_and_probabilities_mean_what_they_say() -> None:
    random = np.random.default_rng(0)
    held, claimed, right = [], [], []
    for _ in range(300):
        means = random.normal(0, 2, 4)
        values = means[:, None] + random.normal(0, 3, 5) + random.normal(0, 1, (4, 5))
        found = estimate(values.tolist(), step=1e-6, overlap=0.0)
        # a mean is known up to what the repetitions share: their effects are part of what its interval must hold
        held += [abs(each.mean - mean) <= (each.half_width or 0) for each, mean in zip(found, means, strict=True)]
        claimed += [each.probability or 0 for each in found]
        right += [number == means.argmax() for number in range(4)]
    assert np.mean(held) == pytest.approx(0.95, abs=0.025)
    sure = np.array(claimed) > 0.8
    assert np.mean(np.array(right)[sure]) == pytest.approx(np.mean(np.array(claimed)[sure]), abs=0.05)
    unlikely = np.array(claimed) < 0.05
    assert np.mean(np.array(right)[unlikely]) < 0.05
