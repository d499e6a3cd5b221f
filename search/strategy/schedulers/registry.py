"""Schedulers by name."""

from collections.abc import Callable

from ....common.registry import Registry, modules_beside
from ..base import Scheduler
from ..numbers import call_with_numbers

SCHEDULERS: Registry[Callable[..., Scheduler]] = Registry("pruner", at="--pruner", modules=modules_beside(__name__))
"""Each makes a scheduler for trials of at most so many epochs, and of the numbers that it takes after its name.

Users know those that stop trials as pruners.
"""


def build_scheduler(name: str, epochs: int) -> Scheduler:
    """Make the scheduler `name` for trials of at most `epochs` epochs; `asha:4` is one with a number.

    Raises:
        SpaceError: there is no such scheduler, or it takes no such numbers.
    """
    scheduler, _, numbers = name.partition(":")
    return call_with_numbers(SCHEDULERS.find(scheduler), epochs, numbers=numbers, given=f"--pruner {name}")
