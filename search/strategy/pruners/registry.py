"""Pruners by name."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from ....common.registry import Registry, modules_beside

if TYPE_CHECKING:
    from optuna.pruners import BasePruner

PRUNERS: "Registry[Callable[[int], BasePruner]]" = Registry("pruner", at="--pruner", modules=modules_beside(__name__))
"""Each makes a pruner for trials of at most so many epochs."""


def build_pruner(name: str, epochs: int) -> "BasePruner":
    """Make the pruner `name` for trials of at most `epochs` epochs.

    Raises:
        SpaceError: there is no such pruner.
    """
    return PRUNERS.find(name)(epochs)
