"""The proposer of a sampler's name."""

from functools import partial

from ..base import Proposer, Setting
from ..curves import Curves
from ..samplers.registry import build_sampler
from .optuna import OptunaProposer


def build_proposer(setting: Setting, sampler: str, curves: Curves | None = None) -> Proposer:
    """Make the proposer that draws by `sampler` for a study.

    With `curves` it learns from trials at rungs, too, which would else say nothing until the study is done.

    Raises:
        SpaceError: there is no such sampler.
    """
    make = partial(build_sampler, sampler, setting.seed)
    return OptunaProposer(setting.space, make, setting.direction, curves=curves)
