"""Strategies by name."""

from collections.abc import Callable

from ....common.registry import Registry, modules_beside
from ..base import Proposer, Scheduler, Setting

STRATEGIES: Registry[Callable[[Setting], tuple[Proposer, Scheduler]]] = Registry(
    "strategy", at="--strategy", modules=modules_beside(__name__)
)
"""Each makes the parts of a strategy for a study."""
