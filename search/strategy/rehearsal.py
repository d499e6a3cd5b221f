"""The rehearsal of sampler and pruner on a study in memory.

A package that they lack is found before a search begins.
"""

import optuna

from ...errors import SpaceError
from .pruners.registry import build_pruner
from .samplers.registry import build_sampler

TRIALS = 12  # TPE draws at random up to the tenth finished trial; QMC does for the first
EPOCHS = 3  # more than one, so that a pruner has a curve to judge


def rehearse(sampler: str, pruner: str) -> None:
    """Try `sampler` and `pruner` on a few trials in memory.

    Each is tried beside one that needs nothing.

    Raises:
        SpaceError: there is no such sampler or pruner, or a package that it needs is not installed.
    """
    for flag, name, pair in (("--sampler", sampler, (sampler, "none")), ("--pruner", pruner, ("random", pruner))):
        try:
            _search(*pair)
        except ImportError as error:
            package = (error.name or "").partition(".")[0]
            remedy = f"\n  install it: pip install {package}" if package else ""
            reason = str(error).partition("\n")[0]
            raise SpaceError(f"{flag} {name} needs a package that cannot be imported: {reason}{remedy}") from error


def _search(sampler: str, pruner: str) -> None:
    study = optuna.create_study(direction="maximize", pruner=build_pruner(pruner, EPOCHS))
    for _ in range(TRIALS):
        trial = study.ask()
        study.sampler = build_sampler(sampler, 0, trial.number)
        # a dimension of each kind, since a sampler may need a package for one alone
        value = trial.suggest_float("x", 0.1, 1, log=True) + trial.suggest_int("y", 1, 4)
        trial.suggest_categorical("z", ("a", "b"))
        for epoch in range(1, EPOCHS + 1):
            trial.report(value, epoch)
            trial.should_prune()
        study.tell(trial, value)
