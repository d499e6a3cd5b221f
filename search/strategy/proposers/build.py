"""The proposer of a sampler's name."""

from ..base import Proposer, Setting
from ..curves import Curves
from ..imported_name import is_import
from ..numbers import call_with_numbers
from ..samplers.registry import SAMPLERS
from .imported import imported
from .optuna import OptunaProposer


def build_proposer(setting: Setting, sampler: str, curves: Curves | None = None) -> Proposer:
    """Make the proposer that draws by `sampler` for a study.

    It is a name, `grid:5` with a number, or `module:Class`. With `curves` it learns from trials at rungs, too, which
    would else say nothing until the study is done.

    Raises:
        SpaceError: there is no such sampler, it takes no such numbers, or it does not suit the space.
    """
    name, _, numbers = sampler.partition(":")
    if is_import(sampler):
        proposer: Proposer = imported(setting, sampler)
    else:
        proposer = call_with_numbers(SAMPLERS.find(name), setting, numbers=numbers, given=f"--sampler {sampler}")
    if curves is not None and isinstance(proposer, OptunaProposer):
        proposer.follow(curves)
    return proposer
