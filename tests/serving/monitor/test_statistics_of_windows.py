"""The tests of a window hold their level and have power; priors and accuracy are estimated within known margins."""

import numpy as np
import pytest
from hpo.serving.monitor.accuracy import Counted, Estimator
from hpo.serving.monitor.arms import compare_apart, compare_latency, compare_paired
from hpo.serving.monitor.compare import compare, holm
from hpo.serving.monitor.features import measure, watched_features
from hpo.serving.monitor.priors import class_priors
from hpo.serving.monitor.watch import reference_values
from hpo.serving.statistics import input_statistics
from numpy.typing import NDArray

from .conftest import CLASSES, World


def smallest(world: World, images: NDArray[np.uint8], seed: int) -> float:
    """The smallest corrected p-value of `images` against a reference of 400."""
    neighbourhood, reference = reference_values(world.reference(world.draw(400, seed)), 1.0)
    shares = world.probabilities(images)
    statistics = np.stack(input_statistics(images), axis=1)
    window = measure(shares, statistics, neighbourhood.similarity(shares))
    return min(test.p_value for test in compare(watched_features(CLASSES), reference, window))


def test_windows_like_the_reference_are_called_so(world: World) -> None:
    """At level 0.05 three of 20 or fewer: the chance of more is 2 %, of the seeds taken here it is none."""
    p_values = [smallest(world, world.images[world.draw(300, 500 + seed)], seed) for seed in range(20)]
    assert sum(value < 0.05 for value in p_values) <= 3


def test_a_darker_window_and_one_of_two_classes_are_told(world: World) -> None:
    images = world.images[world.draw(300, 9)]
    assert smallest(world, (images * 0.8).astype(np.uint8), 1) < 1e-6
    two = np.flatnonzero(np.isin(world.labels, [3, 4]))
    assert smallest(world, world.images[world.draw(300, 9, only=two)], 1) < 1e-6


def test_holm_is_as_worked_out_by_hand() -> None:
    assert holm(np.array([0.04, 0.01, 0.03])) == pytest.approx([0.06, 0.03, 0.06])


def test_priors_see_through_the_mistakes_of_the_model(world: World) -> None:
    """Of 3,000 answers: the standard error of a share is below 0.01, and the reference of 600 adds as much."""
    reference = world.draw(600, 1)
    wanted = np.array([0.4, 0.2, *[0.05] * 8])
    weights = wanted[world.labels] / np.bincount(world.labels)[world.labels]
    rows = np.random.default_rng(2).choice(len(world.labels), 3_000, p=weights / weights.sum())
    answers = world.probabilities(world.images).argmax(axis=1)
    found = class_priors(world.labels[reference], answers[reference], answers[rows], 10)
    assert found.sum() == pytest.approx(1)
    assert found == pytest.approx(wanted, abs=0.04)


def test_a_class_without_reference_keeps_the_share_answered() -> None:
    labels = np.array([0, 0, 1, 1])
    found = class_priors(labels, labels, np.array([0, 1, 2, 2]), 3)
    assert found == pytest.approx([0.25, 0.25, 0.5])


def test_accuracy_is_estimated_within_two_points_under_other_class_mixes(world: World) -> None:
    """The median error over 20 mixes; a single one has a standard error of a point from its 500 images alone."""
    shares = world.probabilities(world.images)
    right = shares.argmax(axis=1) == world.labels
    reference = world.draw(500, 0)
    estimator = Estimator(shares[reference], world.labels[reference])
    errors = []
    for seed in range(20):
        random = np.random.default_rng(seed)
        weights = random.dirichlet(np.ones(10))[world.labels]
        rows = random.choice(len(right), 500, p=weights / weights.sum())
        errors.append(abs(estimator.accuracy(shares[rows]) - right[rows].mean()))
    assert np.median(errors) < 0.02
    assert estimator.accuracy(shares[reference]) == pytest.approx(right[reference].mean())


def test_accuracy_is_seen_to_fall_on_noisy_images(world: World) -> None:
    shares = world.probabilities(world.images)
    estimator = Estimator(shares, world.labels)
    noise = np.random.default_rng(0).normal(0, 110, world.images.shape)
    noisy = world.probabilities(np.clip(world.images + noise, 0, 255).astype(np.uint8))
    lost = (shares.argmax(axis=1) == world.labels).mean() - (noisy.argmax(axis=1) == world.labels).mean()
    assert lost > 0.1
    assert estimator.accuracy(shares) - estimator.accuracy(noisy) > lost / 3


def test_wilson_is_as_in_the_literature() -> None:
    """Newcombe 1998 (Statistics in Medicine 17:857), table I, 15 of 148."""
    found = Counted.of(15, 148)
    assert (found.low, found.high) == pytest.approx((0.0624, 0.1605), abs=1e-4)


def test_arms_that_differ_are_told_apart_and_equal_ones_are_not() -> None:
    random = np.random.default_rng(0)
    good, bad = random.random(500) < 0.95, random.random(500) < 0.85
    difference, p_value = compare_apart(bad, good)
    assert difference == pytest.approx(good.mean() - bad.mean())
    assert p_value < 1e-3
    assert compare_apart(good, good)[1] == 1
    assert compare_paired(bad, good)[1] < 1e-3
    assert compare_paired(good, good) == (0, 1)
    quick, slow = random.exponential(0.01, 300), random.exponential(0.02, 300)
    assert compare_latency(quick, slow)[1] < 1e-3
    assert compare_latency(quick, quick)[1] == 1
