"""`one_epoch_then_best`: an epoch for every configuration, then the best few to the end: a hard baseline."""

from collections.abc import Collection

from ..base import BEGIN, GO, WAIT, Choice, Decision, Pause, Proposer, Resume, Scheduler, Setting
from ..curves import Curves
from ..front_ranks import MakeRanking, Ranking
from ..ranks import Ranks
from .registry import STRATEGIES
from .rungs import SAMPLER, proposer_at_rungs

SHARE = 10
"""One in so many configurations is trained to its end."""


class OneEpochThenBest(Scheduler):
    """Pauses every trial after its first epoch, and resumes the best ones, the best first, once all have had one.

    Of `trials` trials that is a tenth, and one at least; without a total it never comes to that.
    """

    rungs, one_in = (1,), (SHARE,)

    def __init__(self, trials: int | None, ranks: MakeRanking = Ranks) -> None:
        self._trials = trials
        self._ranks: Ranking = ranks()

    def on_report(self, curves: Curves, trial: int) -> Decision:
        """Pause the trial after its first epoch."""
        curve = curves[trial]
        if curve.epoch != 1:
            return GO
        self._ranks.add(trial, curves.merit(trial))
        return GO if curve.complete else Pause(0)

    def choose(self, curves: Curves, paused: Collection[int], *, can_begin: bool, is_idle: bool) -> Choice:
        """Begin a new one as long as that can be; then resume the best one that is paused."""
        if can_begin:
            return BEGIN
        # one that failed in its first epoch never comes here: then it is seen by others' ends that all had their turn
        have_all_come = is_idle or curves.any_complete or self._trials == len(self._ranks)
        if not have_all_come:
            return WAIT
        number, rank = next(self._ranks.best(paused), (None, 0))
        is_last_hope = is_idle and not curves.any_complete  # those before it have failed
        if number is None or not (rank < self._quota(len(self._ranks)) or is_last_hope):
            return WAIT
        return Resume(number)

    def hopeless(self, curves: Curves, paused: Collection[int], limit: int | None) -> Collection[int]:
        """Those that are not among the best of as many as there can be."""
        return () if limit is None else self._ranks.give_up(self._quota(limit), paused)

    def _quota(self, trials: int) -> int:
        return max(1, trials // SHARE)


@STRATEGIES.register("one_epoch_then_best")
def one_epoch_then_best(setting: Setting) -> tuple[Proposer, Scheduler]:
    """Train the best tenth of what any sampler proposes."""
    return proposer_at_rungs(setting, SAMPLER), OneEpochThenBest(setting.trials, setting.curves.ranks)
