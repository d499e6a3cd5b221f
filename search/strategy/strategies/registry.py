"""Strategies by name."""

import sys
from collections.abc import Callable

from ....common.registry import Registry, modules_beside
from ..base import Proposer, Scheduler, Setting

STRATEGIES: Registry[Callable[[Setting], tuple[Proposer, Scheduler]]] = Registry(
    "strategy", at="--strategy", modules=modules_beside(__name__)
)
"""Each makes the parts of a strategy for a study."""


def own_names(strategy: str) -> tuple[str, str | None]:
    """The sampler and the pruner that a strategy has where the user names none; None where it takes no pruner.

    They are SAMPLER and PRUNER in its module.

    Raises:
        SpaceError: there is no such strategy.
    """
    module = sys.modules[STRATEGIES.find(strategy).__module__]
    return module.SAMPLER, getattr(module, "PRUNER", None)
