"""`forest`: a forest that learns from trials at all rungs. Geurts et al. 2006, Extremely randomized trees."""

from ..base import Setting
from ..proposers.forest import ForestProposer
from .registry import SAMPLERS


@SAMPLERS.register("forest")
def forest(setting: Setting) -> ForestProposer:
    """Propose what is expected to come furthest, from trials that ended and from those that wait at a rung."""
    return ForestProposer(setting)
