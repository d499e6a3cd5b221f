"""The rehearsal of sampler and pruner on a study in memory.

A package that they lack is found before a search begins.
"""

from functools import partial

from ...errors import SpaceError
from ...spaces.parameter import Choice, Float, Int
from ...spaces.space import SearchSpace
from .curves import Curves
from .history import Finished
from .proposers.optuna import OptunaProposer
from .samplers.registry import build_sampler
from .schedulers.registry import build_scheduler

TRIALS = 12  # TPE draws at random up to the tenth finished trial; QMC does for the first
EPOCHS = 3  # more than one, so that a pruner has a curve to judge

# a dimension of each kind, since a sampler may need a package for one alone
SPACE = SearchSpace("rehearsal", (Float("x", 0.1, 1.0, log=True), Int("y", 1, 4), Choice("z", ("a", "b"))))


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
    proposer = OptunaProposer(SPACE, partial(build_sampler, sampler, 0), "maximize")
    scheduler, curves = build_scheduler(pruner, EPOCHS), Curves("maximize", EPOCHS)
    for number in range(TRIALS):
        params = proposer.ask(number, {}, {}) or {}
        value = float(number % 4)  # good ones and bad ones
        for epoch in range(1, EPOCHS + 1):
            curves.report(number, epoch, value)
            scheduler.on_report(curves, number)
        proposer.tell(Finished(number, params, value))
