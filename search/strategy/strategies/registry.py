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


FOR_SEVERAL = ("none", "threshold")
"""The pruners that several objectives can have; the others compare trials by one. The first is that of a strategy."""


def own_names(strategy: str, *, several: bool = False) -> tuple[str, str | None]:
    """The sampler and the pruner that a strategy has where the user names none; None where it takes no pruner.

    They are SAMPLER and PRUNER in its module; with `several` objectives nothing is pruned.

    Raises:
        SpaceError: there is no such strategy.
    """
    module = sys.modules[STRATEGIES.find(strategy).__module__]
    pruner = getattr(module, "PRUNER", None)
    return module.SAMPLER, FOR_SEVERAL[0] if pruner and several else pruner


def check_pruner(strategy: str, pruner: str | None, *, several: bool = False) -> None:
    """Check that `strategy` takes `pruner`, None where none is named, with `several` objectives or one.

    Raises:
        SpaceError: there is no such strategy, or it takes none; or the pruner compares trials by one objective.
    """
    if several and pruner is not None and pruner.partition(":")[0] not in FOR_SEVERAL:
        raise SpaceError(
            f"pruner {pruner}: it compares trials by one objective, and there are several\n"
            "  leave the pruner out: rungs compare by all of them"
        )
    STRATEGIES.check(strategy)
    if pruner is not None and strategy != AUTO and own_names(strategy)[1] is None:
        raise SpaceError(
            f"pruner {pruner}: strategy {strategy} decides by itself which trials go on\n"
            "  leave the pruner out, or take strategy pruning"
        )
