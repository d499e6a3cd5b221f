"""Samplers by name.

A sampler is built anew for every trial from the study's seed and the trial's own number, never from how many trials
there are: whatever was enqueued, added, paused or taken over, no two trials of a study draw from one seed.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from ....common.registry import Registry, modules_beside

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler

SAMPLERS: "Registry[Callable[[int, int], BaseSampler]]" = Registry(
    "sampler", at="--sampler", modules=modules_beside(__name__)
)
"""Each makes a sampler from (seed of the study, number of the trial)."""


def build_sampler(name: str, seed: int, number: int) -> "BaseSampler":
    """Make the sampler `name` for one trial of a study.

    `seed` is the study's, `number` the trial's, from 0.

    Raises:
        SpaceError: there is no such sampler.
    """
    return SAMPLERS.find(name)(seed, number)
