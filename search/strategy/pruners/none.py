"""`none`: every trial runs to its end."""

from optuna.pruners import NopPruner

from .registry import PRUNERS


@PRUNERS.register("none")
def none(epochs: int) -> NopPruner:
    """Stop no trial."""
    return NopPruner()
