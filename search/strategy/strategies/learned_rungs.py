"""`learned_rungs`: rungs that learn how many of their trials need to go on.

One in four, as under `rungs`, is a guess about how much an early epoch tells of a late one. It is measured here as the
study goes on. Where the best at a rung were among the best few at the one before, few have to be promoted, and the
epochs are spent on new configurations; where they were not, more are.
"""

import math
from bisect import bisect_left
from collections.abc import Collection, Sequence
from itertools import islice, pairwise

from ..base import Decision, Proposer, Scheduler, Setting
from ..curves import Curves
from ..front_ranks import MakeRanking, Ranking
from ..ranks import Ranks
from .registry import STRATEGIES
from .rungs import ETA, SAMPLER, Promotion, proposer_at_rungs, rung_epochs

ENOUGH = 4
"""So many trials at the next rung tell something; with less the share is that of `rungs`."""

TOP = 4
"""The best quarter at a rung are those that a promotion is to find."""

MEASURED = 50
"""Of so many of these, at most, the places are measured, spread evenly: their mean needs no more of a long study."""

SLACK = 1.5
"""The share that goes on is so many times the mean place of those: a half more than would have found them."""

NARROWEST, WIDEST = 1 / 16, 1 / 3
"""The bounds of the share at the first rung."""

NARROWEST_ABOVE = 1 / 4
"""At later rungs: few come there, and on recorded curves less than a quarter of them missed the best for long."""

BANDS = (NARROWEST, 1 / 8, 1 / 4, WIDEST, 1.0)
"""The ends of the parts of a rung of which it is counted how many went on."""

PROBES = 0.2
"""The share of the trials that went on from the first rung that are from beyond its quota. Without them nothing would
be known of those, and a share could only shrink."""

GOLDEN = (math.sqrt(5) - 1) / 2  # multiples of it are spread evenly over a circle: no part of a rung is left out

EARLY = 4
"""The best at a rung goes on in any case, from when the study has so many times the epochs that this costs."""


class LearnedPromotion(Promotion):
    """Promotes as many as would have held the best ones at the next rung, and half as many more.

    It follows from ranks and from which trials are paused, as Promotion does.

    Args:
        rungs: their epochs, ascending; all are below `epochs`.
        epochs: the last epoch.
        trials: the total, None where there is none.
        ranks: makes the ranking of a rung.
    """

    def __init__(self, rungs: Sequence[int], epochs: int, trials: int | None, ranks: MakeRanking = Ranks) -> None:
        super().__init__(rungs, trials, (), ranks)
        self._ends = (*rungs[1:], epochs)
        self._final: Ranking = ranks()
        self._epochs = 0
        self._shares: dict[int, float] = {}  # by rung, as long as nothing comes to one or leaves one

    def on_report(self, curves: Curves, trial: int) -> Decision:
        """Pause the trial if it is at a rung, and not among those that go on."""
        self._epochs += 1
        curve = curves[trial]
        if self._ends and curve.epoch == self._ends[-1]:
            self._leave(trial)
            self._final.add(trial, curves.merit(trial))
        return super().on_report(curves, trial)

    def share(self, rung: int) -> float:
        """The share of the trials at `rung`, from 0, that goes on."""
        if rung not in self._shares:
            self._shares[rung] = self._measured_share(rung)
        return self._shares[rung]

    def _measured_share(self, rung: int) -> float:
        ranks, above = self._ranks[rung], [*self._ranks[1:], self._final][rung]
        if len(above) < ENOUGH:
            return 1 / ETA
        quarter = max(1, len(above) // TOP)
        best = islice((trial for trial in above if trial in ranks), 0, quarter, math.ceil(quarter / MEASURED))
        places = [(ranks.rank(trial) + 1) / len(ranks) for trial in best]
        ends = [math.floor(band * len(ranks)) for band in BANDS]
        went_on = [ranks.count_left(first, end) for first, end in pairwise((0, *ends))]
        narrowest = NARROWEST if rung == 0 else NARROWEST_ABOVE
        return min(max(SLACK * mean_place(places, went_on), narrowest), WIDEST)

    def _quota(self, rung: int, *, round_up: bool) -> int:
        quota = super()._quota(rung, round_up=round_up)
        cost = self._ends[rung] - self.rungs[rung]
        return max(quota, 1) if self._epochs >= EARLY * cost else quota

    def _leave(self, trial: int) -> None:
        super()._leave(trial)
        self._shares.clear()  # whatever comes to a rung, or to the end, has left its former one just before

    def _passing(self, rung: int) -> float:
        return len(self._ranks[rung]) * self.share(rung)

    def _bound(self, rung: int, trials: int) -> int:
        return math.ceil(trials * WIDEST ** (rung + 1))

    def _promoted(self, paused: Collection[int], *, round_up: bool) -> int | None:
        promoted = super()._promoted(paused, round_up=round_up)
        return self._probe(paused) if promoted is None else promoted

    def _probe(self, paused: Collection[int]) -> int | None:
        """A trial at the first rung from beyond its quota, if too few of those have gone on."""
        if not self.rungs:
            return None
        quota, widest = self._quota(0, round_up=False), math.floor(len(self._ranks[0]) * WIDEST)
        waiting = [trial for trial in self._ranks[0].between(quota, widest) if trial in paused]
        went_on = widest - len(waiting)
        if quota >= widest or not waiting or went_on - quota >= PROBES * went_on:
            return None
        return waiting[int(went_on * GOLDEN % 1 * len(waiting))]


def mean_place(places: Sequence[float], went_on: Sequence[int]) -> float:
    """The mean place of the best quarter at a rung, were all trials of the one before promoted.

    Few of those that are worse there go on, so each of them stands for the more that did not (Horvitz & Thompson 1952).

    Args:
        places: of some of the best quarter: their ranks at the rung before, as shares of all, in (0, 1].
        went_on: how many trials of each of BANDS have come to the rung.
    """
    bands = [bisect_left(BANDS, place) for place in places]
    weights = [(BANDS[band] - (BANDS[band - 1] if band else 0.0)) / went_on[band] for band in bands]
    return sum(weight * place for weight, place in zip(weights, places, strict=True)) / sum(weights)


@STRATEGIES.register("learned_rungs")
def learned_rungs(setting: Setting) -> tuple[Proposer, Scheduler]:
    """Promote by rungs that learn what any sampler proposes."""
    rungs = rung_epochs(setting.epochs)
    scheduler = LearnedPromotion(rungs, setting.epochs, setting.trials, setting.curves.ranks)
    return proposer_at_rungs(setting, SAMPLER), scheduler
