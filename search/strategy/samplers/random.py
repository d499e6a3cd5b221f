"""`random`: independent draws."""

from optuna.samplers import RandomSampler

from ..proposers.optuna import proposer_of
from ..trial_seed import trial_seed
from .registry import SAMPLERS


@SAMPLERS.register("random")
@proposer_of
def random(seed: int, number: int) -> RandomSampler:
    """Draw every dimension independently.

    It is the baseline that a sampler that learns has to beat.
    """
    return RandomSampler(seed=trial_seed(seed, number))
