"""A sample of the configurations of a space, as a search draws them, and those that take most memory."""

from collections.abc import Iterator

from ....spaces.parameter import Choice
from ....spaces.space import SearchSpace
from ....training.config import TrialConfig
from ...configuration.configure import configure
from ...configuration.example import example_config
from ...configuration.largest import largest_configs
from ...strategy.base import Setting
from ...strategy.curves import Curves
from ...strategy.proposers.build import build_proposer

DRAWN = 64
"""Configurations: the mean cost of so many is within 7 % of that of all, where costs differ by a factor of two. Each
takes a model without numbers, some 20 ms."""


def sample(space: SearchSpace) -> list[TrialConfig]:
    """The first configuration of a search, and DRAWN - 1 others at random, or as many as there are."""
    return [example_config(space), *_drawn(space)][:DRAWN]


def _drawn(space: SearchSpace) -> Iterator[TrialConfig]:
    # seeded: a plan of the same space looks at the same configurations
    setting = Setting(space, "random", None, 0, "minimize", 1, None, Curves("minimize"))
    proposer = build_proposer(setting, "random")
    for number in range(1, DRAWN):
        if (params := proposer.ask(number, {}, {})) is None:
            return
        yield configure(space, params)


def heaviest(space: SearchSpace) -> list[TrialConfig]:
    """The models of a space with all numbers high, in the largest batches: one of them takes most memory."""
    batch = space.by_key.get("data.batch_size")
    if batch is None:
        return largest_configs(space)
    sizes = batch.choices if isinstance(batch, Choice) else (batch.low, batch.high)
    most = max(size for size in sizes if isinstance(size, int))
    return [_in_batches(config, most) for config in largest_configs(space)]


def _in_batches(config: TrialConfig, images: int) -> TrialConfig:
    return config.model_copy(update={"data": config.data.model_copy(update={"batch_size": images})})
