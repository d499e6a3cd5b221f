"""Proposals of a forest that learns from all trials of a study, at whatever rung they stand.

Its trees split at random (Geurts et al. 2006, Extremely randomized trees). They learn the logarithm of a trial's rank
in the order of Standing: a difference among the best counts for more than one among the rest, and no value, however far
off, for more than its rank.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from math import sqrt
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....spaces.parameter import Scalar
from ..base import Setting
from ..history import Finished
from ..trial_seed import trial_seed
from .columns import Columns, Rows
from .own import own_params
from .standing import Standing
from .untried import Untried

Params = dict[str, Scalar]

FIRST = 8
"""So many trials are drawn at random, before there is something to learn from."""

RANDOM = 0.1
"""The share of trials that are drawn at random later on: what the forest is sure of may be wrong."""

CANDIDATES = 500
"""Configurations that are drawn for a proposal; the one with the best forecast is proposed."""

TREES, LEAF = 20, 2
"""Trees, and trials in a leaf at least: with one, a lucky trial has a leaf of its own."""

BEST, OTHERS = 150, 250
"""What the forest is fitted to at most: the best trials, and of the others some of every rank. So no proposal costs
more than that of a study of 400 trials."""

PRIOR_SHARES = 0.05, 0.9
"""The least and the greatest share of draws near the priors: neither is ever given up."""


class ForestProposer:
    """Proposes the configuration, of many that are drawn, that a forest expects to come furthest."""

    def __init__(self, setting: Setting) -> None:
        self._space, self._seed = setting.space, setting.seed
        self._columns, self._untried = Columns(setting.space), Untried(setting.space)
        self._standing = Standing(setting.curves)
        self._rows: dict[int, Rows] = {}
        self._foreign: set[int] = set()  # trials whose parameters the space does not have

    def size(self) -> float:
        """Count the configurations of the space."""
        return self._untried.size

    def tell(self, trial: Finished) -> None:
        """Learn of a trial that will not go on."""
        self._untried.tell(trial)
        if self._is_own(trial.number, trial.params):
            self._standing.end(trial)

    def ask(self, number: int, fixed: Mapping[str, Any], running: Mapping[int, Mapping[str, Any]]) -> Params | None:
        """Propose a configuration for trial `number` that has the `fixed` values, those of its branches included.

        Trials that run and have reported nothing count as the worst, so that no two workers get the same.
        """
        # thousands may wait at rungs: those that are known are not looked into
        others = {other for other in running if other in self._rows or self._is_own(other, running[other])}
        self._standing.follow(others - {number})
        return self._untried.first(number, fixed, running, self._draws(number, fixed))

    def _draws(self, number: int, fixed: Mapping[str, Any]) -> Iterator[Params]:
        """What may be proposed, the most promising first."""
        random = np.random.default_rng(trial_seed(self._seed, number))
        ranks = fitted_ranks(len(self._standing))
        tried = self._rows_of(self._standing.at(ranks))
        is_random = len(ranks) < FIRST or random.random() < RANDOM
        rows = self._columns.draw(random, CANDIDATES, prior_share(self._columns, tried), fixed)
        if not is_random:
            silent = self._rows_of(self._standing.silent())
            logs = np.log1p([*ranks, *(len(self._standing) for _ in silent)])
            forecasts = forecast(np.concatenate([tried, silent]), logs, rows, int(random.integers(2**31)))
            rows = rows[np.argsort(forecasts, kind="stable")]
        return (self._columns.params(row, fixed) for row in rows)

    def _rows_of(self, trials: Sequence[int]) -> Rows:
        return np.array([self._rows[number] for number in trials]).reshape(len(trials), len(self._space.parameters))

    def _is_own(self, number: int, params: Mapping[str, Any]) -> bool:
        """Whether a trial is of the space; its row is known then."""
        if number not in self._rows and number not in self._foreign:
            own = own_params(self._space, params)
            if own is None:
                self._foreign.add(number)
            else:
                self._rows[number] = self._columns.row(own)
        return number in self._rows


def forecast(tried: Rows, targets: NDArray[np.float64], rows: Rows, seed: int) -> NDArray[np.float64]:
    """What a forest of `seed` that learns the `targets` of what was `tried`, [tried], expects of `rows`, [rows]."""
    from sklearn.tree import ExtraTreeRegressor  # here: it takes a second to import

    # tree by tree: ExtraTreesRegressor takes twice as long for a forest as small as this
    inputs, asked = tried.astype(np.float32), rows.astype(np.float32)
    trees = (ExtraTreeRegressor(min_samples_leaf=LEAF, random_state=(seed + tree) % 2**32) for tree in range(TREES))
    # its checks of the inputs, which are the same for all trees, take as long as the trees do
    fitted = (tree.fit(inputs, targets, check_input=False) for tree in trees)
    forecasts: NDArray[np.float64] = np.mean([tree.predict(asked, check_input=False) for tree in fitted], axis=0)
    return forecasts


def fitted_ranks(count: int) -> list[int]:
    """The ranks, of `count` from 0, of the trials that a forest is fitted to."""
    if count <= BEST + OTHERS:
        return list(range(count))
    others = np.linspace(BEST, count - 1, OTHERS).round().astype(int)
    return list(chain(range(BEST), others.tolist()))


def prior_share(columns: Columns, tried: Rows) -> float:
    """The share of configurations to draw near the priors of a space, given what was `tried`, the best first.

    It is the probability that what is nearer to the priors ranks higher, were the trials a sample: one half before the
    first ones, it moves with the evidence. Mallik et al. 2023, PriorBand, arXiv:2306.12370, weighs priors by the trials
    that rank highest, too.
    """
    if not columns.any_prior:
        return 0.0
    if len(tried) < 3:
        return 0.5
    correlation = rank_correlation(columns.log_odds(tried), -np.arange(len(tried)))
    least, greatest = PRIOR_SHARES
    return min(max(NormalDist().cdf(correlation * sqrt(len(tried) - 1)), least), greatest)


def rank_correlation(first: NDArray[np.float64], second: NDArray[np.int64]) -> float:
    """Spearman's of a sample and ranks, in [-1, 1]."""
    ranks = np.argsort(np.argsort(first, kind="stable"), kind="stable")
    return float(np.corrcoef(ranks, second)[0, 1])
