"""`cmaes`: the covariance matrix adaptation evolution strategy. Hansen 2016, arXiv:1604.00772.

It draws numbers; choices are TPE's.

Not Optuna's CmaEsSampler, which has to find its state in what it wrote beside earlier trials, and draws at random what
stands in branches.
"""

from typing import Any

import numpy as np
from optuna import Study
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler, TPESampler
from optuna.trial import FrozenTrial

from ....errors import SpaceError
from ..base import Setting
from ..evolution import Evolution
from ..proposers.optuna import OptunaProposer
from ..proposers.suggest import distributions
from ..trial_seed import trial_seed
from .registry import SAMPLERS


class _Cmaes(BaseSampler):
    """Draws what is no choice from `evolution`, and a choice, or the branch that it stands for, by TPE."""

    def __init__(self, evolution: Evolution, kinds: dict[str, BaseDistribution], seed: int) -> None:
        self._evolution, self._kinds = evolution, kinds
        self._random, self._tpe = np.random.default_rng(seed), TPESampler(seed=seed)

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """Return the dimensions of the evolution, those of all branches."""
        return {each.key: self._kinds[each.key] for each in self._evolution.dimensions}

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Draw their values together; those in branches that are not taken are not used."""
        return self._evolution.draw(self._random) if search_space else {}

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """Draw a choice."""
        return self._tpe.sample_independent(study, trial, param_name, param_distribution)


@SAMPLERS.register("cmaes")
def cmaes(setting: Setting) -> OptunaProposer:
    """Move a normal distribution toward the better trials of each generation, from the priors.

    Raises:
        SpaceError: there are several objectives.
    """
    if setting.others:
        several = len(setting.directions)
        raise SpaceError(f"sampler cmaes takes one objective, got {several}; forest, tpe, gp and nsga2 take several")
    evolution, kinds = Evolution(setting), distributions(setting.space)

    def sampler(number: int) -> _Cmaes:
        return _Cmaes(evolution, kinds, trial_seed(setting.seed, number))

    return OptunaProposer(setting, sampler, evolution)
