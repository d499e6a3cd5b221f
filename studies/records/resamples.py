"""Resamples of the trials of a study, and the best of each: how sure what is read from the best trials is."""

from dataclasses import dataclass
from functools import cache
from math import ceil

import numpy as np
from numpy.typing import NDArray

SHARE, BEST = 0.1, 10
"""The best trials are a tenth, as in Optuna, and no fewer than so many: of five, luck alone makes any picture."""

RESAMPLES = 200
"""Resamples for an interval: its ends move by a tenth of its width from one seed to another."""

CHANCES = 50
"""Resamples for what chance gives, of which only the mean counts."""

Weights = NDArray[np.float64]
"""How often each trial counts in each resample, [resamples, trials]; trials are in their order, the best first."""


@dataclass(frozen=True, slots=True)
class Resample:
    """What of all trials, and what of the best of them, each resample has."""

    every: Weights
    best: Weights


@dataclass(frozen=True, slots=True)
class Resamples:
    """The trials as they are and RESAMPLES times drawn with replacement; of both what is best by chance."""

    once: Resample
    drawn: Resample
    once_by_chance: Resample
    drawn_by_chance: Resample


@cache
def resamples_of(trials: int) -> Resamples:
    """The resamples of so many trials, always the same."""
    random = np.random.default_rng(0)
    once = np.ones((CHANCES, trials))
    drawn = random.multinomial(trials, np.full(trials, 1 / trials), size=RESAMPLES).astype(np.float64)
    return Resamples(
        Resample(once[:1], _best_of(once[:1])),
        Resample(drawn, _best_of(drawn)),
        Resample(once, _best_by_chance(once, random)),
        Resample(drawn[:CHANCES], _best_by_chance(drawn[:CHANCES], random)),
    )


def best_count(trials: int) -> int:
    """How many of so many trials are the best."""
    return max(BEST, ceil(SHARE * trials))


def _best_of(weights: Weights) -> Weights:
    """What of the weights is of the best trials of each resample."""
    before = np.cumsum(weights, axis=1) - weights
    return np.clip(best_count(weights.shape[1]) - before, 0.0, weights)


def _best_by_chance(weights: Weights, random: np.random.Generator) -> Weights:
    """What would be if the best were any: the trials of each resample in an order by chance."""
    order = random.permuted(np.tile(np.arange(weights.shape[1]), (len(weights), 1)), axis=1)
    best = np.empty_like(weights)
    np.put_along_axis(best, order, _best_of(np.take_along_axis(weights, order, axis=1)), axis=1)
    return best
