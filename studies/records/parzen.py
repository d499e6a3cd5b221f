"""Parzen estimates of a dimension's values on a grid, as in Optuna's PED-ANOVA.

The grid, the bandwidth (Scott 1992, Multivariate Density Estimation) and the weight of the prior are those of
`optuna.importance.PedAnovaImportanceEvaluator`, so that both come to the same where both apply.
"""

from collections.abc import Mapping, Sequence
from math import ceil, erf, log, log2, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.float64]
"""How many trials lie in each cell of the grid, [..., cells]."""

STEPS = 50
"""Cells of a continuous range."""

PRIOR_WEIGHT = 1.0
"""So many trials the uniform prior weighs: no cell is ever impossible."""

LEAST_BANDWIDTH = 0.5 / 1.64
"""Cells: nine tenths of a normal distribution of that width lie in one."""


class Grid:
    """The `cells` of a dimension, an entry of a study's canonical space; a choice has one for each of its `choices`."""

    def __init__(self, entry: Mapping[str, Any]) -> None:
        self.choices: Sequence[Any] = entry["choices"] if entry["type"] == "choice" else ()
        self._is_log = bool(entry.get("log"))
        if not self.choices:
            low, high = entry["low"], entry["high"]
            self._low, self._high = (log(low), log(high)) if self._is_log else (float(low), float(high))
        self.cells = len(self.choices) or (_steps(entry) if self._low < self._high else 1)

    def cell(self, value: Any) -> int | None:
        """The cell of a value; None for one that the dimension does not have."""
        if self.choices:
            # True is not 1 here, as it is in Python
            same = (each == value and isinstance(each, bool) == isinstance(value, bool) for each in self.choices)
            return next((cell for cell, is_same in enumerate(same) if is_same), None)
        if isinstance(value, bool) or not isinstance(value, int | float) or (self._is_log and value <= 0):
            return None
        place = (log(value) if self._is_log else value) - self._low
        width = self._high - self._low
        if not -1e-9 * width <= place <= width * (1 + 1e-9):
            return None
        # of two cells as near the lower one, as in Optuna
        return min(max(ceil(place / width * (self.cells - 1) - 0.5), 0), self.cells - 1)

    def kernels(self, counts: Counts, total: float) -> NDArray[np.float64]:
        """The density about a value in each cell, [cells, cells], for `total` values that are spread as `counts`."""
        if self.choices:
            share = PRIOR_WEIGHT / (np.count_nonzero(counts) + 1)
            return (np.eye(self.cells) + share) / (1 + self.cells * share)
        return _normal(np.arange(float(self.cells)), _bandwidth(counts, total), self.cells)

    def density(self, counts: Counts, kernels: NDArray[np.float64]) -> NDArray[np.float64]:
        """The estimate on the grid, [..., cells]."""
        middle = np.array([(self.cells - 1) / 2])
        prior = 1 / self.cells if self.choices else _normal(middle, self.cells, self.cells)[0]
        total = counts.sum(axis=-1, keepdims=True)
        estimate: NDArray[np.float64] = (counts @ kernels + PRIOR_WEIGHT * prior) / (total + PRIOR_WEIGHT) + 1e-12
        return estimate


def _steps(entry: Mapping[str, Any]) -> int:
    """How many cells a range has."""
    low, high, step = entry["low"], entry["high"], entry.get("step")
    if entry["type"] == "int" and entry["log"]:
        return min(ceil(log2(high - low + 1)) + 1, STEPS)
    return min(round((high - low) / step) + 1, STEPS) if step else STEPS


def _bandwidth(counts: Counts, total: float) -> float:
    """Scott's rule, in cells, of the lesser of the standard deviation and the distance of the quartiles."""
    cells = np.flatnonzero(counts)
    weights = counts[cells] / counts.sum() * total
    summed = np.cumsum(weights)
    mean = (cells @ weights) / total
    deviation = sqrt(((cells - mean) ** 2 @ weights) / max(1.0, total - 1))
    first = int(np.searchsorted(summed, total // 4, side="left"))
    third = min(int(np.searchsorted(summed, total * 3 // 4, side="right")), len(cells) - 1)
    spread = min(float(cells[third] - cells[first]) / 1.34, deviation)
    bandwidth: float = 1.059 * spread * total**-0.2
    return max(bandwidth, LEAST_BANDWIDTH)


def _normal(middles: NDArray[np.float64], width: float, cells: int) -> NDArray[np.float64]:
    """Normal distributions about `middles`, cut at the ends of the grid, [middles, cells]."""
    edges = np.arange(cells + 1) - 0.5 - middles[:, None]
    # by math.erf, as scipy's takes longer to import than all of `hpo show`; many edges are as far from their middles
    least, distance = float(edges.min()), (edges - edges.min()).astype(np.int64)
    below = np.array([erf((least + step) / (width * sqrt(2))) for step in range(int(distance.max()) + 1)])[distance]
    inside = np.diff(below, axis=1)
    density: NDArray[np.float64] = inside / inside.sum(axis=1, keepdims=True)
    return density
