"""`pruning`: a trial runs until it ends or is pruned, and a pruned one never comes back."""

from ..base import Proposer, Scheduler, Setting
from ..proposers.build import build_proposer
from ..schedulers.registry import build_scheduler
from .registry import STRATEGIES, own_names

SAMPLER, PRUNER = "tpe", "median"  # the usual peers of each other, in Optuna too


@STRATEGIES.register("pruning")
def pruning(setting: Setting) -> tuple[Proposer, Scheduler]:
    """Make any sampler and any pruner, TPE and the median by default."""
    proposer = build_proposer(setting, setting.sampler or SAMPLER)
    pruner = setting.pruner or own_names("pruning", several=bool(setting.others))[1]
    assert pruner is not None  # PRUNER, or what stands for it
    return proposer, build_scheduler(pruner, setting.epochs)
