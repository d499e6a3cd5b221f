"""The rehearsal of sampler and pruner on a study in memory.

A package that they lack is found before a search begins.
"""

from collections.abc import Sequence

from ...errors import SpaceError
from ...spaces.space import SearchSpace
from .base import Setting
from .curves import Curves, Direction
from .history import Finished
from .proposers.build import build_proposer
from .schedulers.registry import build_scheduler

TRIALS = 12  # TPE draws at random up to the tenth finished trial; QMC does for the first
EPOCHS = 3  # more than one, so that a pruner has a curve to judge


def rehearse(space: SearchSpace, sampler: str, pruner: str, others: Sequence[Direction] = ()) -> None:
    """Try `sampler` and `pruner` on a few trials of `space` in memory.

    Each is tried beside one that needs nothing. `others` are the directions of further objectives.

    Raises:
        SpaceError: there is no such sampler or pruner, it does not suit the space, or a package that it needs is not
            installed.
    """
    for flag, name, pair in (("--sampler", sampler, (sampler, "none")), ("--pruner", pruner, ("random", pruner))):
        try:
            _search(space, *pair, tuple(others))
        except ImportError as error:
            package = (error.name or "").partition(".")[0]
            remedy = f"\n  install it: pip install {package}" if package else ""
            reason = str(error).partition("\n")[0]
            raise SpaceError(f"{flag} {name} needs a package that cannot be imported: {reason}{remedy}") from error


def _search(space: SearchSpace, sampler: str, pruner: str, others: tuple[Direction, ...]) -> None:
    curves = Curves("maximize", EPOCHS, others)
    setting = Setting(space, sampler, pruner, 0, "maximize", EPOCHS, TRIALS, curves, others)
    proposer = build_proposer(setting, sampler)
    scheduler = build_scheduler(pruner, EPOCHS)
    for number in range(TRIALS):
        if (params := proposer.ask(number, {}, {})) is None:
            break  # a small space
        value = float(number % 4)  # good ones and bad ones
        costs = tuple(float(number % 3) for _ in others)
        for epoch in range(1, EPOCHS + 1):
            curves.report(number, epoch, value, costs)
            scheduler.on_report(curves, number)
        proposer.tell(Finished(number, params, value, others=costs))
