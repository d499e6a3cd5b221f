"""`narrow_rungs`: rungs of which the first passes few trials, for many configurations of one epoch each.

Most epochs under `rungs` go into the middle of trials that are not the best. On recorded curves the best is found
sooner if one in sixteen passes the first rung, and half of the few that come to the last one are trained to the end.
"""

from collections.abc import Sequence

from ..base import Proposer, Scheduler, Setting
from ..front_ranks import MakeRanking
from ..ranks import Ranks
from .registry import STRATEGIES
from .rungs import ETA, SAMPLER, Promotion, proposer_at_rungs, rung_epochs

FIRST = 16
"""One in so many passes the first rung, at most. Twice as many lost more of the best ones than it saved."""

LAST = 2
"""One in so many passes the last rung: those that come there were the best three times, and one is wanted soon."""

SECOND_HAS = 4
"""So many trials pass the first rung, at least: fewer could not be compared at the second."""


def one_in_so_many(rungs: int, trials: int | None) -> list[int]:
    """Of how many trials one passes each of so many rungs, in a search of `trials`, None for no limit.

    >>> one_in_so_many(3, 200)
    [16, 4, 2]
    >>> one_in_so_many(2, 40)
    [10, 2]
    """
    if rungs < 2:  # what passes it runs to the end
        return [ETA] * rungs
    first = FIRST if trials is None else min(max(trials // SECOND_HAS, ETA), FIRST)
    return [first, *[ETA] * (rungs - 2), LAST]


def narrow_promotion(rungs: Sequence[int], trials: int | None, ranks: MakeRanking = Ranks) -> Promotion:
    """Make what promotes few trials from the first rung."""
    return Promotion(rungs, trials, one_in_so_many(len(rungs), trials), ranks)


@STRATEGIES.register("narrow_rungs")
def narrow_rungs(setting: Setting) -> tuple[Proposer, Scheduler]:
    """Promote few of what any sampler proposes from the first rung."""
    scheduler = narrow_promotion(rung_epochs(setting.epochs), setting.trials, setting.curves.ranks)
    return proposer_at_rungs(setting, SAMPLER), scheduler
