"""`random`: independent draws."""

from optuna.samplers import RandomSampler

from ..trial_seed import trial_seed
from .registry import SAMPLERS


@SAMPLERS.register("random")
def random(seed: int, number: int) -> RandomSampler:
    """Draw every dimension independently.

    It is the baseline that a sampler that learns has to beat.
    """
    return RandomSampler(seed=trial_seed(seed, number))
