"""Two-sample tests of a window of predictions against the reference.

How the window differs now: classical tests, corrected for their number.

These say what a person may want to see at one look. They raise no alarm: looked at again and again, some test is bound
to fall below any level. Alarms are the detector's, whose rate is set over time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2_contingency, ks_2samp

from .embedding import embed, squared_distances
from .features import Feature, Numbers

_MMD_IMAGES = 300  # of either side; the cost grows with the square
_PERMUTATIONS = 499  # p-values in steps of 1/500, which Holm's correction for a dozen tests leaves below 0.05


@dataclass(frozen=True, slots=True)
class Comparison:
    """One two-sample test.

    `kind` is "ks", "chi2" or "mmd"; `p_value` is after Holm's correction for all tests of the window.
    """

    feature: str
    kind: str
    statistic: float
    p_value: float


def compare(watched: Sequence[Feature], reference: Numbers, window: Numbers, seed: int = 0) -> tuple[Comparison, ...]:
    """Test `window` [n, features] against `reference` [N, features].

    Every test; both are as `features.measure` gives them.

    Kolmogorov-Smirnov on each class's softmax output, the confidence, the entropy and the statistics of the images;
    chi-squared on the classes answered; maximum mean discrepancy of the embedding (Gretton et al. 2012, JMLR 13).
    """
    classes = sum(feature.family == "classes" for feature in watched)
    shares, own = window[:, :classes], reference[:, :classes]
    tests = [
        *(_ks(feature, reference[:, column], window[:, column]) for column, feature in enumerate(watched[:-1])),
        _chi2(
            np.bincount(own.argmax(axis=1), minlength=classes), np.bincount(shares.argmax(axis=1), minlength=classes)
        ),
        _mmd(own, shares, np.random.default_rng(seed)),
    ]
    adjusted = holm(np.array([test.p_value for test in tests]))
    return tuple(
        Comparison(test.feature, test.kind, test.statistic, float(value))
        for test, value in zip(tests, adjusted, strict=True)
    )


def holm(p_values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Apply Holm's step-down correction (1979, Scand. J. Statistics 6:65)."""
    order = np.argsort(p_values)
    scaled = p_values[order] * np.arange(len(p_values), 0, -1)
    adjusted = np.empty_like(scaled)
    adjusted[order] = np.minimum(np.maximum.accumulate(scaled), 1)
    return adjusted


def _ks(feature: Feature, reference: Numbers, window: Numbers) -> Comparison:
    then, now = reference[~np.isnan(reference)], window[~np.isnan(window)]
    if not len(now):
        return Comparison(feature.name, "ks", 0.0, 1.0)
    test: Any = ks_2samp(then, now, method="asymp")
    return Comparison(feature.name, "ks", float(test.statistic), float(test.pvalue))


def _chi2(then: NDArray[np.int64], now: NDArray[np.int64]) -> Comparison:
    table = np.stack([then, now])
    table = table[:, table.sum(axis=0) > 0]
    # all answers are one class on both sides: chi-squared needs two columns
    if table.shape[1] < 2:
        return Comparison("class mix", "chi2", 0.0, 1.0)
    test: Any = chi2_contingency(table)
    return Comparison("class mix", "chi2", float(test.statistic), float(test.pvalue))


def _mmd(then: Numbers, now: Numbers, random: np.random.Generator) -> Comparison:
    """Test by the squared MMD with a Gaussian kernel.

    The kernel has the median width; the p-value is by permutation.
    """
    left, right = _sample(embed(then), random), _sample(embed(now), random)
    distances = squared_distances(joined := np.concatenate([left, right]), joined)
    apart = distances[distances > 0]
    kernel = np.exp(-distances / (2 * (np.median(apart) if apart.size else 1.0)))
    signs = np.repeat([1 / len(left), -1 / len(right)], [len(left), len(right)])
    # [permutations + 1, points]; row 0 is the true assignment
    mixed = np.stack([signs, *(random.permutation(signs) for _ in range(_PERMUTATIONS))])
    squares = np.einsum("pi,pi->p", mixed @ kernel, mixed)
    return Comparison("embedding", "mmd", float(squares[0]), float((squares >= squares[0] - 1e-12).mean()))


def _sample(points: Numbers, random: np.random.Generator) -> Numbers:
    return points[random.permutation(len(points))[:_MMD_IMAGES]]
