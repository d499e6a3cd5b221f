"""`nsga2`: a genetic algorithm. Deb et al. 2002, A fast and elitist multiobjective genetic algorithm: NSGA-II.

With one objective it selects by rank alone. Each child is bred from the best trials there are at that time, and not
from those of the last whole generation (Durillo et al. 2009 find that better): so no trial needs to know its
generation, and workers wait for none.
"""

import warnings
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from optuna import Study
from optuna.exceptions import ExperimentalWarning
from optuna.samplers import NSGAIISampler
from optuna.samplers.nsgaii import BLXAlphaCrossover
from optuna.trial import FrozenTrial, TrialState

from ..base import Setting
from ..history import History
from ..proposers.fill import drawn
from ..proposers.freeze import FreezeValues
from ..proposers.optuna import OptunaProposer
from ..trial_seed import trial_seed
from .registry import SAMPLERS

# Optuna's 50 would draw most searches at random to their end: docs/strategies.md has what other numbers would do.
POPULATION = 10
INSIDE = 1e-9  # of a dimension, from its ends: what is on a log scale may not come back from a logarithm as it was


class _Blend(BLXAlphaCrossover):
    """Draws each number from about the two parents' (Eshelman & Schaffer 1993), and reflects it at the ends.

    Optuna draws again until all dimensions are inside, which takes long where there are many. A crossover that takes
    each value from one of the parents, as Optuna's usual one does, makes children that were there before.
    """

    def crossover(
        self,
        parents_params: NDArray[Any],
        rng: np.random.RandomState,
        study: Study,
        search_space_bounds: NDArray[Any],
    ) -> NDArray[Any]:
        """Return the numbers of a child, as they are transformed for crossovers."""
        child = super().crossover(parents_params, rng, study, search_space_bounds)
        low, high = search_space_bounds.T
        child = np.where(child < low, 2 * low - child, np.where(child > high, 2 * high - child, child))
        margin = INSIDE * (high - low)
        inside: NDArray[Any] = np.clip(child, low + margin, high - margin)
        return inside


class _SteadyState(NSGAIISampler):
    """Breeds from the best of all trials: there are a generation of draws and one of children."""

    def get_trial_generation(self, study: Study, trial: FrozenTrial) -> int:
        """Return 0 for a draw, 1 for a child."""
        return int(len(self.get_population(study, 0)) >= POPULATION)

    def get_population(self, study: Study, generation: int) -> list[FrozenTrial]:
        """Return all trials, of which parents are selected."""
        return study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))


@SAMPLERS.register("nsga2")
def nsga2(setting: Setting) -> OptunaProposer:
    """Breed from the best trials, after as many draws at random as there are parents."""
    history = History(setting.direction, best=POPULATION, newest=1, others=setting.others)
    freeze = FreezeValues(setting.space, setting.directions, drawn)
    return OptunaProposer(setting, partial(_sampler, setting.seed), history, freeze)


def _sampler(seed: int, number: int) -> NSGAIISampler:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)  # the crossover is one
        crossover = _Blend()
    # crossover_prob: less would train some parents again
    own = trial_seed(seed, number)
    return _SteadyState(seed=own, population_size=POPULATION, crossover=crossover, crossover_prob=1.0)
