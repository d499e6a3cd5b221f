"""An example configuration of a space, before any trial is drawn."""

from functools import partial

from ...spaces.space import SearchSpace
from ...training.config import TrialConfig
from ..strategy.proposers.optuna import OptunaProposer
from ..strategy.samplers.registry import build_sampler
from .configure import configure


def example_config(space: SearchSpace) -> TrialConfig:
    """A configuration of `space`: its priors, the rest drawn."""
    # seeded: the same space gives the same example, so that the preflight can be repeated
    params = OptunaProposer(space, partial(build_sampler, "random", 0), "maximize").ask(0, space.priors(), {})
    assert params is not None, "nothing was tried yet"
    return configure(space, params)
