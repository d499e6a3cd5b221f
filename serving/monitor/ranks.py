"""Conformal p-values: where each value ranks among all that came before it (Vovk, Gammerman & Shafer 2005, section 8).

While the stream is like the reference these p-values are independent and uniform, exactly, whatever the values are
and however few references there are. So what is built on them has a false-alarm rate that no data set can spoil.
"""

import numpy as np
from numpy.typing import NDArray

BINS = 512


class Ranks:
    """A histogram per feature of everything seen so far, reference first; memory does not grow.

    Args:
        reference: [N, features] in [0, 1], NaN where something was not measured.
        seed: of the draws that break ties.
    """

    def __init__(self, reference: NDArray[np.float64], seed: int) -> None:
        self._counts = np.zeros((reference.shape[1], BINS), np.int64)
        self._random = np.random.default_rng(seed)
        self._add(*_binned(reference))

    def rank(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """The p-values of `values` [n, features], in order, NaN where a value is; then they are among those seen."""
        bins, known = _binned(values)
        columns = np.arange(bins.shape[1])
        below = self._counts.cumsum(axis=1) - self._counts
        earlier = np.tri(len(bins), k=-1, dtype=bool)[:, :, None] & known[None]
        lower = below[columns, bins] + (earlier & (bins[None] < bins[:, None])).sum(axis=1)
        equal = self._counts[columns, bins] + (earlier & (bins[None] == bins[:, None])).sum(axis=1)
        seen = self._counts.sum(axis=1) + earlier.sum(axis=1)
        draws = self._random.random(bins.shape)
        self._add(bins, known)
        return np.where(known, (lower + draws * (equal + 1)) / (seen + 1), np.nan)

    def _add(self, bins: NDArray[np.int64], known: NDArray[np.bool_]) -> None:
        columns = np.broadcast_to(np.arange(bins.shape[1]), bins.shape)
        np.add.at(self._counts, (columns[known], bins[known]), 1)


def _binned(values: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    known = ~np.isnan(values)
    return np.minimum(np.where(known, values, 0) * BINS, BINS - 1).astype(np.int64), known
