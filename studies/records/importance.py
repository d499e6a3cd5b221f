"""How much a hyperparameter decides whether a trial is among the best.

PED-ANOVA (Watanabe, Bansal & Hutter 2023, arXiv:2304.10255) compares where the best trials have their values with
where all have them. Optuna's evaluator of that name looks at complete trials alone, of which rungs leave few, has no
intervals, and needs a study of Optuna's; so the estimate is computed here, from any order of trials. What chance alone
gives is taken off.
"""

import numpy as np
from numpy.typing import NDArray

from .parzen import Grid
from .resamples import Resample, best_count, resamples_of

INTERVAL = (2.5, 97.5)
"""Percentiles of the resamples: a 95 % interval."""


def explained(grid: Grid, cells: NDArray[np.int64]) -> tuple[float, float, float]:
    """The share of the variance of being among the best that a dimension explains, and the ends of its 95 % interval.

    It is 0 where it is what chance gives, and 1 where nothing else decides. `cells` are where the trials have their
    values, the best trial first, [trials].
    """
    explains, resamples = _Explains(grid, cells), resamples_of(len(cells))
    chance = float(explains.by_chance(resamples.once_by_chance).mean())
    # among trials that were drawn twice, chance has more to give: resamples are set off against their own
    drawn_chance = float(explains.by_chance(resamples.drawn_by_chance).mean())
    low, high = np.percentile(explains.share(resamples.drawn), INTERVAL).tolist()
    value = float(explains.share(resamples.once)[0])
    return _beyond(value, chance), _beyond(low, drawn_chance), _beyond(high, drawn_chance)


def _beyond(share: float, chance: float) -> float:
    """What of a share is more than chance gives, of what it can be more: as R squared is adjusted."""
    return min(max((share - chance) / (1 - chance), 0.0), 1.0)


class _Explains:
    """The share that a dimension explains, chance included.

    With a quantile q of best trials, it is PED-ANOVA's variance of the dimension's mean, q^2 times Pearson's divergence
    of the best from all, by the variance of being among the best, q (1 - q).
    """

    def __init__(self, grid: Grid, cells: NDArray[np.int64]) -> None:
        self._grid, best = grid, best_count(len(cells))
        self._cells = np.eye(grid.cells)[cells]  # [trials, cells]
        counts = self._cells.sum(axis=0)
        self._every = grid.kernels(counts, len(cells))
        self._best = grid.kernels(self._cells[:best].sum(axis=0), best)
        # trials by chance lie where all do, however close together the best are
        self._any = grid.kernels(counts, best)

    def share(self, resample: Resample) -> NDArray[np.float64]:
        """The share in each resample, [resamples]."""
        return self._share(resample, self._best)

    def by_chance(self, resample: Resample) -> NDArray[np.float64]:
        """The same where the best are any."""
        return self._share(resample, self._any)

    def _share(self, resample: Resample, kernels: NDArray[np.float64]) -> NDArray[np.float64]:
        every = self._grid.density(resample.every @ self._cells, self._every)
        best = self._grid.density(resample.best @ self._cells, kernels)
        divergence = (every * (best / every - 1) ** 2).sum(axis=1)
        quantile = resample.best.sum(axis=1) / resample.every.sum(axis=1)
        share: NDArray[np.float64] = divergence * quantile / (1 - quantile)
        return share
