"""Where the best trials have the values of a hyperparameter."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .resamples import Weights, resamples_of

MIDDLE = (0.1, 0.9)
"""The quantiles of the best between which their region lies: one that is far from the others is no region."""

SURE = (2.5, 97.5)
"""Percentiles of the resampled ends: as far as the trials can tell, no region of the best reaches beyond."""


@dataclass(frozen=True, slots=True)
class Region:
    """A range of numbers in which the best trials lie: eight in ten of them in [low, high].

    By resampling the trials, it begins at `least` at the earliest, and ends at `greatest` at the latest.
    """

    low: float
    high: float
    least: float
    greatest: float


def region_of(values: Sequence[float]) -> Region:
    """The region of the best of `values`, which are those of trials, the best trial first."""
    numbers, resamples = np.array(values, dtype=np.float64), resamples_of(len(values))
    (low,), (high,) = (_quantiles(numbers, resamples.once.best, share).tolist() for share in MIDDLE)
    lows, highs = (_quantiles(numbers, resamples.drawn.best, share) for share in MIDDLE)
    return Region(low, high, float(np.percentile(lows, SURE[0])), float(np.percentile(highs, SURE[1])))


def _quantiles(values: NDArray[np.float64], best: Weights, share: float) -> NDArray[np.float64]:
    """The least value that a `share` of the best does not exceed, in each resample, [resamples]."""
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(best[:, order], axis=1)
    quantiles: NDArray[np.float64] = values[order][(reached >= share * reached[:, -1:]).argmax(axis=1)]
    return quantiles
