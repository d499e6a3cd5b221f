"""Calibration of the alarm threshold to a rate of false alarms."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .bets import payoffs
from .detector import weights
from .features import Feature
from .ranks import BINS

_STREAMS = 128  # simulated: the mean overshoot of so many varies by 3 % from seed to seed (16 features)
_TRIAL_THRESHOLD = 300.0  # reached after some 300 steps; higher ones take longer and overshoot by the same share
_BUDGET = 40_000_000  # payoffs, over all streams and steps: some seconds


def threshold_for(every: int, reference: NDArray[np.float64], watched: Sequence[Feature], seed: int) -> float:
    """Return the threshold of one false alarm in `every` predictions.

    That is their mean rate.

    The mean time to a false alarm is the threshold times its mean overshoot, which hardly depends on the threshold. The
    overshoot is measured on streams drawn from the reference, so that features that move together do so here too.

    Args:
        every: predictions per false alarm, at least 10.
        reference: [N, features] in [0, 1].
        watched: the features.
        seed: of the draws.
    """
    trial = min(_TRIAL_THRESHOLD, every / 2)
    return every / _overshoot(trial, reference, weights(watched), np.random.default_rng(seed))


def _overshoot(
    threshold: float, reference: NDArray[np.float64], shares: NDArray[np.float64], random: np.random.Generator
) -> float:
    """Measure the mean overshoot at the first crossing of `threshold`.

    It is the statistic by the threshold; at least 1.
    """
    ranks = _own_ranks(reference, random)
    streams = max(16, min(_STREAMS, int(_BUDGET / (shares.size * threshold * 2))))
    gains = np.zeros((streams, *shares.shape))
    ended: list[float] = []
    while len(gains):
        rows = ranks[random.integers(len(ranks), size=len(gains))]
        # [streams, features, bets]: the statistic of detector.py, a step of every stream at once
        gains = (gains + 1) * payoffs(rows)
        values = np.einsum("sfb,fb->s", gains, shares)
        crossed = values >= threshold
        ended.extend(values[crossed])
        gains = gains[~crossed]
    return float(np.mean(ended)) / threshold


def _own_ranks(reference: NDArray[np.float64], random: np.random.Generator) -> NDArray[np.float64]:
    """Return the reference's p-values among itself, [N, features].

    Uniform in each feature, dependent as the features are.
    """
    bins = np.floor(reference * BINS)
    draws = random.random(bins.shape)
    order = np.argsort(bins + draws, axis=0)
    positions = np.empty_like(order)
    np.put_along_axis(positions, order, np.arange(len(bins))[:, None], axis=0)
    result: NDArray[np.float64] = (positions + random.random(bins.shape)) / len(bins)
    return np.where(np.isnan(reference), np.nan, result)
