"""The proposer of a sampler's name."""

from functools import partial

from ..base import Proposer, Setting
from ..samplers.registry import build_sampler
from .optuna import OptunaProposer


def build_proposer(setting: Setting, sampler: str) -> Proposer:
    """Make the proposer that draws by `sampler` for a study.

    Raises:
        SpaceError: there is no such sampler.
    """
    return OptunaProposer(setting.space, partial(build_sampler, sampler, setting.seed), setting.direction)
