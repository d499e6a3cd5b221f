"""Schedulers by name."""

from collections.abc import Callable

from ....common.registry import Registry, modules_beside
from ..base import Scheduler

SCHEDULERS: Registry[Callable[[int], Scheduler]] = Registry("pruner", at="--pruner", modules=modules_beside(__name__))
"""Each makes a scheduler for trials of at most so many epochs. Users know those that stop trials as pruners."""


def build_scheduler(name: str, epochs: int) -> Scheduler:
    """Make the scheduler `name` for trials of at most `epochs` epochs.

    Raises:
        SpaceError: there is no such scheduler.
    """
    return SCHEDULERS.find(name)(epochs)
