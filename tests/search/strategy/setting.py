"""The setting of a strategy, with what most tests leave open."""

from typing import Literal

from hpo.search.strategy.base import Proposer, Setting
from hpo.search.strategy.curves import Curves
from hpo.search.strategy.proposers.build import build_proposer
from hpo.spaces.space import SearchSpace


def setting(
    space: SearchSpace, seed: int = 0, direction: Literal["maximize", "minimize"] = "maximize", epochs: int = 9
) -> Setting:
    return Setting(space, None, None, seed, direction, epochs, None, Curves(direction, epochs))


def propose(sampler: str, space: SearchSpace, seed: int = 0) -> Proposer:
    return build_proposer(setting(space, seed), sampler)
