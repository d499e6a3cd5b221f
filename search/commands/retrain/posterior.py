"""What paired fresh values say of candidates: their means, how sure these are, and which candidate is best.

Which is best follows from a model of all values: that of candidate i at repetition r is mean_i + effect_r + noise. What
a repetition shares, such as its validation split, is the same for all candidates, and the noise is normal and equally
wide for each. So two repetitions of a few candidates already tell how wide it is; a single pair would need many.
"""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

Floats = NDArray[np.float64]

DRAWS = 20_000
"""Draws from the posterior, always by the same seed: a probability of 0.05 is exact to 0.003 (two standard errors)."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """What is known of a candidate.

    `mean` is that over all repetitions of the race; of a candidate that was stopped it is as if it had run the others,
    too, by how hard these were for those that did. `half_width` is that of its 95 % interval, None with a single
    value; `probability` that of its mean being the best, None where nothing tells how wide the noise is.
    """

    mean: float
    half_width: float | None
    probability: float | None


def estimate(
    values: Sequence[Sequence[float]], *, step: float, overlap: float, out: Collection[int] = ()
) -> list[Estimate]:
    """Estimate each candidate from its fresh values, of which more is better.

    Under a prior that is flat in the means, the effects and the logarithm of the noise, the means have a multivariate
    t distribution (Box & Tiao 1973, Bayesian Inference in Statistical Analysis, section 2.7); the probabilities are
    shares of draws from it. Repetitions that share images are less independent than they look: `overlap` times the
    variance of one value is added to that of each mean (Nadeau & Bengio 2003, Machine Learning 52:239, section 3).

    Args:
        values: of each candidate at the first repetitions of the race, one at least.
        step: the smallest change that a value can show, > 0; noise is never taken as narrower.
        overlap: validation by training images where each repetition draws them anew, else 0.
        out: candidates that cannot be the best, whatever their values are.
    """
    counts = np.array([len(each) for each in values])
    flat = np.concatenate([np.asarray(each, float) for each in values])
    design = _design(counts)
    fitted = np.linalg.lstsq(design, flat)[0]
    means = fitted[: len(counts)]
    freedom = len(flat) - design.shape[1]
    shape = np.linalg.inv(design.T @ design)[: len(counts), : len(counts)] + overlap * np.eye(len(counts))
    eligible = np.array([number not in out for number in range(len(counts))])
    probabilities: list[float | None] = [None] * len(counts)
    if eligible.sum() == 1:
        probabilities = eligible.astype(float).tolist()
    elif freedom and eligible.any():
        noise = max(float(((flat - design @ fitted) ** 2).sum()) / freedom, step**2)
        probabilities = _best(np.asarray(means, np.float64), noise * shape, freedom, eligible).tolist()
    widths = [_half_width(each, step, overlap) for each in values]
    return [Estimate(*each) for each in zip(means.tolist(), widths, probabilities, strict=True)]


def _design(counts: NDArray[np.int64]) -> Floats:
    """The rows [values, candidates + repetitions - 1]: a mean for each candidate, and effects that add up to 0."""
    repetitions = int(counts.max())
    effects = np.vstack([np.eye(repetitions - 1), np.full((1, repetitions - 1), -1.0)])
    means = np.repeat(np.eye(len(counts)), counts, axis=0)
    return np.hstack([means, np.vstack([effects[:count] for count in counts])])


def _best(means: Floats, covariance: Floats, freedom: int, eligible: NDArray[np.bool_]) -> Floats:
    """The share of draws in which each of the eligible candidates has the highest mean."""
    random = np.random.default_rng(0)
    widening = np.sqrt(freedom / random.chisquare(freedom, DRAWS))  # Student's t, from normal draws
    normal = random.standard_normal((DRAWS, len(means))) @ np.linalg.cholesky(covariance).T
    draws = np.where(eligible, means + widening[:, None] * normal, -np.inf)
    shares: Floats = np.bincount(draws.argmax(axis=1), minlength=len(means)) / DRAWS
    return shares


def _half_width(values: Sequence[float], step: float, overlap: float) -> float | None:
    """Half of the 95 % interval of the mean of `values`, by Student's t; None for a single one.

    Its width is of these values alone: configurations that train badly often do so with more noise than the best.
    """
    freedom = len(values) - 1
    if not freedom:
        return None
    variance = max(float(np.var(values, ddof=1)), step**2)
    return float(stdtrit(freedom, 0.975)) * math.sqrt(variance * (1 / len(values) + overlap))
