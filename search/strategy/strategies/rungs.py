"""`rungs`: trials pause at rungs, and the best of each go on. Li et al. 2018, arXiv:1810.05934, algorithm 2."""

import math
from collections.abc import Collection, Sequence

from ..base import BEGIN, GO, WAIT, Choice, Decision, Pause, Proposer, Resume, Scheduler, Setting
from ..curves import Curves
from ..front_ranks import MakeRanking, Ranking
from ..proposers.build import build_proposer
from ..ranks import Ranks
from .registry import STRATEGIES

ETA = 4
"""One in so many trials passes a rung: on recorded curves 3 was worse everywhere, and 5 too greedy."""

FIRST_RUNG = 1
"""Epochs: on recorded curves one ranked well enough, and two cost more than they told."""

SAMPLER = "forest"


class Promotion(Scheduler):
    """Promotes the best of those that have reached a rung, a share of them, without waiting for others.

    Membership is by rank alone: whoever reads the same record, today or after a restart, promotes the same trials. A
    trial that is among the best as it comes to a rung goes on at once; another pauses, and is resumed when enough have
    come that are worse.

    Where nothing new can begin, a part of a trial counts as one at each rung, so that the best one comes to its end.
    With several objectives all that no other dominates do then.

    Args:
        rungs: their epochs, ascending; all are below the last epoch.
        trials: the total, None where there is none. What is not among the best of so many is never resumed.
        one_in: of so many trials one passes each rung, at most.
        ranks: makes the ranking of a rung.
    """

    def __init__(
        self, rungs: Sequence[int], trials: int | None, one_in: Sequence[int], ranks: MakeRanking = Ranks
    ) -> None:
        self.rungs, self.one_in, self._trials = tuple(rungs), tuple(one_in), trials
        self._ranks: list[Ranking] = [ranks() for _ in rungs]

    def on_report(self, curves: Curves, trial: int) -> Decision:
        """Pause the trial if it is at a rung, and not among its best."""
        curve = curves[trial]
        if curve.complete:
            self._leave(trial)
        if curve.epoch not in self.rungs or curve.epoch < max(curve.scores):  # a report that comes late
            return GO
        rung = self.rungs.index(curve.epoch)
        self._leave(trial)
        rank = self._ranks[rung].add(trial, curves.merit(trial))
        return GO if curve.complete or rank < self._quota(rung, round_up=False) else Pause(rung)

    def choose(self, curves: Curves, paused: Collection[int], *, can_begin: bool, is_idle: bool) -> Choice:
        """Resume the best one at the highest rung that has one to promote, else begin a new one."""
        promoted = self._promoted(paused, round_up=False)
        if promoted is None and can_begin:
            return BEGIN
        if promoted is None:
            promoted = self._promoted(paused, round_up=True)
        if promoted is None and is_idle and not curves.any_complete:
            promoted = self._best(paused)  # those before it have failed
        return WAIT if promoted is None else Resume(promoted)

    def hopeless(self, curves: Curves, paused: Collection[int], limit: int | None) -> Collection[int]:
        """Those that are not among the best of as many as can ever come to their rung."""
        if limit is None:
            return ()
        return [
            trial for rung, ranks in enumerate(self._ranks) for trial in ranks.give_up(self._bound(rung, limit), paused)
        ]

    def _promoted(self, paused: Collection[int], *, round_up: bool) -> int | None:
        """The trial to promote, see _quota; None for none."""
        for rung in reversed(range(len(self.rungs))):
            quota = self._quota(rung, round_up=round_up)
            if self._trials is not None:
                quota = min(quota, self._bound(rung, self._trials))
            if round_up:
                quota = max(quota, self._ranks[rung].front)
            trial, rank = next(self._ranks[rung].best(paused), (None, 0))
            if trial is not None and rank < quota:
                return trial
        return None

    def _quota(self, rung: int, *, round_up: bool) -> int:
        """How many of the trials of a rung go on."""
        passing = self._passing(rung)
        return math.ceil(passing) if round_up else math.floor(passing)

    def _passing(self, rung: int) -> float:
        """How many of the trials of a rung go on, before that is rounded."""
        return len(self._ranks[rung]) / self.one_in[rung]

    def _best(self, paused: Collection[int]) -> int | None:
        ranked = (trial for ranks in reversed(self._ranks) for trial, _ in ranks.best(paused))
        return next(ranked, None)

    def _leave(self, trial: int) -> None:
        for ranks in self._ranks:
            ranks.leave(trial)

    def _bound(self, rung: int, trials: int) -> int:
        """How many of `trials` trials pass `rung` at most, rounded up."""
        return math.ceil(trials / math.prod(self.one_in[: rung + 1]))


def rung_epochs(epochs: int, eta: int = ETA) -> list[int]:
    """The epochs of the rungs of a training of `epochs` epochs, which is the last one's top.

    >>> rung_epochs(50)
    [1, 4, 16]
    """
    rungs, epoch = [], FIRST_RUNG
    while epoch < epochs:
        rungs.append(epoch)
        epoch *= eta
    return rungs


def even_promotion(rungs: Sequence[int], trials: int | None, ranks: MakeRanking = Ranks) -> Promotion:
    """Make what promotes the same share at every rung."""
    return Promotion(rungs, trials, [ETA] * len(rungs), ranks)


@STRATEGIES.register("rungs")
def rungs(setting: Setting) -> tuple[Proposer, Scheduler]:
    """Promote by rungs what any sampler proposes."""
    scheduler = even_promotion(rung_epochs(setting.epochs), setting.trials, setting.curves.ranks)
    return proposer_at_rungs(setting, SAMPLER), scheduler


def proposer_at_rungs(setting: Setting, sampler: str) -> Proposer:
    """Make the proposer that learns from trials at rungs, of the sampler that its user names, or `sampler`."""
    return build_proposer(setting, setting.sampler or sampler, setting.curves)
