"""`tpe`: the tree-structured Parzen estimator. Bergstra et al. 2011; Watanabe 2023, arXiv:2304.11127."""

import warnings

from optuna.exceptions import ExperimentalWarning
from optuna.samplers import TPESampler

from ..proposers.optuna import proposer_of
from ..trial_seed import trial_seed
from .registry import SAMPLERS


@SAMPLERS.register("tpe")
@proposer_of
def tpe(seed: int, number: int) -> TPESampler:
    """Propose where good trials are dense and bad ones are not.

    Optuna's own number of trials that are drawn at random first (10) and of candidates for each proposal (24).
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)  # `group` is one
        # multivariate: learning rate and weight decay are chosen together, not each by itself.
        # group: the dimensions of a branch of the space get a joint space of their own; without it Optuna samples
        # every dimension that not all trials have independently of the others.
        return TPESampler(seed=trial_seed(seed, number), multivariate=True, group=True)
