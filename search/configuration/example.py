"""An example configuration of a space, before any trial is drawn."""

import optuna

from ...spaces.space import SearchSpace
from ...training.config import TrialConfig
from .configure import configure
from .suggest import suggest


def example_config(space: SearchSpace) -> TrialConfig:
    """A configuration of `space`: its priors, the rest drawn."""
    # seeded, in memory: the same space gives the same example, so that the preflight can be repeated
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    study.enqueue_trial(space.priors())
    return configure(space, suggest(study.ask(), space))
