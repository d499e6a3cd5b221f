"""An example configuration of a space, before any trial is drawn."""

from ...spaces.space import SearchSpace
from ...training.config import TrialConfig
from ..strategy.base import Setting
from ..strategy.curves import Curves
from ..strategy.proposers.build import build_proposer
from .configure import configure


def example_config(space: SearchSpace) -> TrialConfig:
    """A configuration of `space`: its priors, the rest drawn."""
    # seeded: the same space gives the same example, so that the preflight can be repeated
    setting = Setting(space, "random", None, 0, "maximize", 1, None, Curves("maximize"))
    params = build_proposer(setting, "random").ask(0, space.priors(), {})
    assert params is not None, "nothing was tried yet"
    return configure(space, params)
