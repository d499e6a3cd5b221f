"""A sample of the configurations of a space, as a search draws them, and those that take most memory."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ....spaces.parameter import Choice
from ....spaces.space import SearchSpace
from ....training.config import TrialConfig
from ...configuration.configure import configure
from ...configuration.enqueued import with_branches
from ...configuration.largest import largest_configs
from ...strategy.strategy import Strategy

DRAWN = 64
"""Configurations: the mean cost of so many is within 7 % of that of all, where costs differ by a factor of two. Each
takes a model without numbers, some 20 ms."""
UNLEARNED = 8
"""Trials that a sampler draws before it has results to learn from: the forest 8, TPE 10."""
LEARN_NOTHING = ("random", "qmc", "grid")


@dataclass(frozen=True, slots=True)
class Sample:
    """Configurations of a space, one at least; `foreseen` of them are what a search begins with, the first first."""

    configs: Sequence[TrialConfig]
    foreseen: int


def learns(sampler: str) -> bool:
    """Whether what `sampler` proposes follows from the trials before."""
    return sampler.partition(":")[0] not in LEARN_NOTHING


def sample(
    space: SearchSpace, strategy: Strategy, sampler: str, tried: Sequence[Mapping[str, Any]] = (), done: int = 0
) -> Sample:
    """What `strategy` proposes as long as it learns nothing, DRAWN configurations or as many as there are.

    Args:
        space: the search space.
        strategy: that of the study's seed, which has been told of no trial.
        sampler: its name.
        tried: values that the first trials of the study are to have, by dotted key.
        done: the trials that the study has already.
    """
    configs = list(_drawn(space, strategy, tried, done))
    return Sample(configs, min(len(configs), max(0, UNLEARNED - done)) if learns(sampler) else len(configs))


def _drawn(
    space: SearchSpace, strategy: Strategy, tried: Sequence[Mapping[str, Any]], done: int
) -> Iterator[TrialConfig]:
    first = [*tried, with_branches(space.priors(), space)]
    for number in range(done, done + DRAWN):
        fixed = first[number] if number < len(first) else {}
        if (params := strategy.propose(number, fixed, {})) is None:
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
