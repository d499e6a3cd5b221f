"""Conformal p-values: the rank of each value among all before it.

Vovk, Gammerman & Shafer 2005, section 8.

While the stream is like the reference these p-values are independent and uniform, exactly, whatever the values are
and however few references there are. So what is built on them has a false-alarm rate that no data set can spoil.
"""

import numpy as np
from numpy.typing import NDArray

BINS = 512  # of [0, 1]; values in one bin count as equal, and memory and time grow with their number
PORTION = 64  # within it each value is compared with each, so that a whole portion is ranked at once; at most 255


class Ranks:
    """A histogram per feature of all values so far, reference first.

    Memory does not grow.

    Args:
        reference: [N, features] in [0, 1], NaN where something was not measured.
        seed: of the draws that break ties.
    """

    def __init__(self, reference: NDArray[np.float64], seed: int) -> None:
        features = reference.shape[1]
        self._counts = np.zeros((features, BINS), np.int64)
        self._starts = np.arange(features) * BINS  # of each feature's counts, end to end
        self._random = np.random.default_rng(seed)
        self._add(_binned(reference))

    def rank(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Rank `values` [n, features] in order, then count them in.

        NaN where a value is.
        """
        portions = [values[start : start + PORTION] for start in range(0, max(1, len(values)), PORTION)]
        return np.concatenate([self._rank(portion) for portion in portions])

    def _rank(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        bins = _binned(values)
        is_number = bins < BINS
        cells = self._starts + np.minimum(bins, BINS - 1)
        counts, upto = self._counts.take(cells), self._counts.cumsum(axis=1)
        lower = upto.take(cells) - counts + _earlier(np.less, bins)
        equal = counts + _earlier(np.equal, bins)
        counted = upto[:, -1] + is_number.cumsum(axis=0) - is_number
        draws = self._random.random(bins.shape)
        self._add(bins)
        return np.where(is_number, (lower + draws * (equal + 1)) / (counted + 1), np.nan)

    def _add(self, bins: NDArray[np.int16]) -> None:
        np.add.at(self._counts.reshape(-1), (self._starts + bins)[bins < BINS], 1)


def _earlier(compare: np.ufunc, bins: NDArray[np.int16]) -> NDArray[np.uint8]:
    """Count the earlier rows whose value compares so, [n, features].

    For each value of `bins` [n, features].
    """
    compared = compare(bins[:, :, None], np.ascontiguousarray(bins.T)[None])  # [earlier, features, later]
    # the triangle keeps pairs in which the first came earlier
    compared &= np.tri(len(bins), k=-1, dtype=bool).T[:, None]
    result: NDArray[np.uint8] = np.add.reduce(compared.view(np.uint8), axis=0, dtype=np.uint8).T
    return result


def _binned(values: NDArray[np.float64]) -> NDArray[np.int16]:
    """Return the bin of each value.

    `BINS`, above all, where it is NaN.
    """
    bins = np.fmin(values * BINS, BINS - 1).astype(np.int16)  # note: fmin passes NaN over
    bins[np.isnan(values)] = BINS
    return bins
