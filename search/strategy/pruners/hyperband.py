"""`hyperband`: several successive halvings of different patience. Li et al. 2016, arXiv:1603.06560."""

from optuna.pruners import HyperbandPruner

from .registry import PRUNERS

# The paper's and Optuna's own. The epochs are told: else nothing is stopped before a first trial is complete.
FACTOR = 3


@PRUNERS.register("hyperband")
def hyperband(epochs: int) -> HyperbandPruner:
    """Share the trials among brackets of successive halving.

    Their first rungs are at 1, 3, 9, ... epochs, so late starters have a chance. There are floor(log3(epochs)) + 1
    brackets, three for 10 epochs, and a trial is compared with those of its own.
    """
    # 1: the most impatient bracket judges after the first epoch
    return HyperbandPruner(min_resource=1, max_resource=epochs, reduction_factor=FACTOR)
