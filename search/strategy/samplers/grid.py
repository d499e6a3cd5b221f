"""`grid`: every configuration of the space, each once."""

from ..base import Setting
from ..proposers.grid import GridProposer
from .registry import SAMPLERS


@SAMPLERS.register("grid")
def grid(setting: Setting, points: int | None = None) -> GridProposer:
    """Propose each configuration once, with so many `points` (2 or more) in every continuous dimension.

    Raises:
        SpaceError: a dimension is continuous, and there are no `points`; or there are too few.
    """
    return GridProposer(setting.space, setting.seed, points)
