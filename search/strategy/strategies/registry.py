"""Strategies by name."""

import sys
from collections.abc import Callable

from ....common.registry import Registry, modules_beside
from ....errors import SpaceError
from ..base import Proposer, Scheduler, Setting

STRATEGIES: Registry[Callable[[Setting], tuple[Proposer, Scheduler]]] = Registry(
    "strategy", at="--strategy", modules=modules_beside(__name__)
)
"""Each makes the parts of a strategy for a study."""

AUTO = "auto"
"""The one that picks another, by what is named among others, and has no names of its own."""


def own_names(strategy: str) -> tuple[str, str | None]:
    """The sampler and the pruner that a strategy has where the user names none; None where it takes no pruner.

    They are SAMPLER and PRUNER in its module.

    Raises:
        SpaceError: there is no such strategy.
    """
    module = sys.modules[STRATEGIES.find(strategy).__module__]
    return module.SAMPLER, getattr(module, "PRUNER", None)


def check_pruner(strategy: str, pruner: str | None) -> None:
    """Check that `strategy` takes `pruner`, None where none is named.

    Raises:
        SpaceError: there is no such strategy, or it takes none.
    """
    STRATEGIES.check(strategy)
    if pruner is not None and strategy != AUTO and own_names(strategy)[1] is None:
        raise SpaceError(
            f"pruner {pruner}: strategy {strategy} decides by itself which trials go on\n"
            "  leave the pruner out, or take strategy pruning"
        )
