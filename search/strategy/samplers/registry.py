"""Samplers by name.

What a sampler draws for a trial follows from the study's seed, the trial's own number and the finished trials, never
from how many trials there are: whatever was enqueued, added, paused or taken over, no two trials of a study draw from
one seed.
"""

from collections.abc import Callable

from ....common.registry import Registry, modules_beside
from ..base import Proposer

SAMPLERS: Registry[Callable[..., Proposer]] = Registry("sampler", at="--sampler", modules=modules_beside(__name__))
"""Each makes a proposer for a `Setting`, and of the numbers that it takes after its name."""
