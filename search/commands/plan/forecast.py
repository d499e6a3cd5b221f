"""The forecast of a search: its strategy and its event loop in virtual time, on learning curves that are made up.

What a strategy trains depends on the curves that it sees. What is drawn here has the ranks of recorded ones: how well
an early epoch foretells the last, by how much configurations that cost more are better, and how much what a sampler
proposes is like the best before it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from statistics import fmean, median, pstdev
from typing import NamedTuple, cast

from ....spaces.space import SearchSpace
from ....studies.book.book import Book
from ....studies.tracking.tracker import NullTracker
from ....training.config import ObjectiveConfig
from ....training.metric_names import Direction
from ....training.report import EpochReport
from ...configuration.claim import Claim
from ...configuration.search_settings import SearchSettings
from ...executors.base import Job
from ...executors.clock import VirtualClock
from ...executors.simulated import SimulatedExecutor
from ...loop.goal import Goal, Places
from ...loop.ledger import Ledger
from ...loop.loop import Loop
from ...progress.base import NoProgress
from ...strategy.strategy import build_strategy
from .sample import UNLEARNED, learns

SEARCHES = 7
"""Searches that are simulated at most: their median counts, their extremes are told."""
ENOUGH_TRIALS = 500
"""No further search is simulated after so many trials in all: a long one differs little from the next. A trial takes
some 4 ms."""
MOST_TRIALS = 2000
"""Trials of a simulated search at most: what comes after them goes on as they did."""
FORETOLD = 0.85
"""The correlation of a first epoch with the last: the median of twelve recorded tables of small networks (0.84, six of
them between 0.75 and 0.92), see benchmarks/curves."""
COST_TELLS = 0.35
"""The correlation of a training's cost with its last epoch: the median of the same tables, of which ten have 0.08 to
0.57. Small batches and wide models are better for the same number of epochs, so that those that go on cost more."""
BEST, AT_RANDOM = 0.25, 0.1
"""A sampler that learns proposes what is like one of the best quarter so far and costs as much, but for a tenth at
random."""
ALIKE = 0.35
"""The correlation of its last epoch with that of the one it is like: the median of nine of the same tables, the forest
and TPE alike (six of nine between 0.15 and 0.42), by how much better than the mean are trials 8 to 19 of a search."""
EPOCH_S = 2.0**-4
"""Virtual seconds of a usual epoch: below the loop's tick, so that no turn of it is idle."""
_NOWHERE = Path("/nonexistent")  # no trial of a simulation has a file


@dataclass(frozen=True, slots=True)
class Price:
    """What a trial costs: `epochs` at most, of `epoch_s` seconds each."""

    epochs: int
    epoch_s: float


@dataclass(frozen=True, slots=True)
class Prices:
    """The prices of configurations as they are `drawn`, one at least; the search begins with the first `foreseen`."""

    drawn: Sequence[Price]
    foreseen: int = 0

    def draw(self, number: int, random: Random) -> Price:
        """That of trial `number` as long as nothing is learned, at random where it is not foreseen."""
        return (
            self.drawn[number] if number < self.foreseen else random.choice(self.drawn[self.foreseen :] or self.drawn)
        )


@dataclass(frozen=True, slots=True)
class Spread:
    """A number in several simulated searches: its median and its extremes."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        """The spread of `values`, one at least."""
        return cls(median(values), min(values), max(values))

    def times(self, factor: float) -> "Spread":
        """The spread of numbers so many times as large."""
        return Spread(self.median * factor, self.low * factor, self.high * factor)


@dataclass(frozen=True, slots=True)
class Forecast:
    """A search by so many `workers`: its trials, their epochs, and the `seconds` from the first trial to the end."""

    workers: int
    trials: Spread
    epochs: Spread
    seconds: Spread


@dataclass(frozen=True, slots=True)
class Searched:
    """What is searched, and how: the same for any number of workers."""

    space: SearchSpace
    settings: SearchSettings
    direction: Direction
    epochs: int
    goal: Goal
    others: tuple[Direction, ...] = ()


def forecast(searched: Searched, prices: Prices, start_s: float, workers: int) -> Forecast:
    """Simulate SEARCHES searches by so many `workers`.

    Args:
        searched: with a goal that ends it: a number of trials or epochs, or a deadline in seconds.
        prices: of its configurations.
        start_s: what passes each time that a worker is given a trial, until its first batch.
        workers: at least 1.
    """
    ends: list[_End] = []
    while len(ends) < SEARCHES and sum(end.trials for end in ends) < ENOUGH_TRIALS:
        ends.append(_Search(searched, prices, start_s, workers, seed=len(ends)).run().up_to(searched.goal))
    trials, epochs, seconds = zip(*ends, strict=True)
    return Forecast(workers, Spread.of(trials), Spread.of(epochs), Spread.of(seconds))


class _End(NamedTuple):
    """The trials that a search has begun, their epochs, and its seconds."""

    trials: float
    epochs: float
    seconds: float

    def up_to(self, goal: Goal) -> "_End":
        """The same at `goal`, where the simulation ended before it."""
        if self.trials < MOST_TRIALS:
            return self
        limits = (goal.trials or math.inf, goal.epochs or math.inf, goal.deadline)
        times = max(1.0, min(limit / reached for limit, reached in zip(limits, self, strict=True)))
        return _End(*(times * reached for reached in self))


@dataclass(frozen=True, slots=True)
class _Trained:
    """A training that is made up: its price, its standing at the last epoch in standard deviations, its reports."""

    price: Price
    last: float
    reports: Sequence[EpochReport]


class _Search(NullTracker):
    """One simulated search."""

    def __init__(self, searched: Searched, prices: Prices, start_s: float, workers: int, seed: int) -> None:
        self._random, self._prices = Random(seed), prices
        self._trained: dict[int, _Trained] = {}
        self._sign = _sign(searched.direction)
        self._scale = EPOCH_S / median(price.epoch_s for price in prices.drawn)
        logs = [math.log(price.epoch_s) for price in prices.drawn]
        self._middle, self._width = fmean(logs), pstdev(logs) or 1.0
        self._learns = learns(searched.settings.sampler)
        self._clock = VirtualClock()
        executor = SimulatedExecutor(self._curve, workers, self._clock, start_s=self._scale * start_s)
        strategy = build_strategy(
            searched.space,
            strategy=searched.settings.strategy,
            sampler=_sampler(searched.settings.sampler),
            pruner=searched.settings.pruner,
            seed=seed,
            direction=searched.direction,
            epochs=searched.epochs,
            trials=searched.goal.trials,
            others=searched.others,
        )
        self._ledger = Ledger(searched.space, strategy)
        places = Places(_NOWHERE, lambda number: _NOWHERE / str(number))
        # the ledger answers what the loop asks of a book
        goal, book = searched.goal, cast(Book[Claim], self._ledger)
        limits = Goal(
            min(goal.trials or MOST_TRIALS, MOST_TRIALS),
            self._scale * goal.deadline,
            goal.epochs,
            trial_timeout_s=self._scale * goal.trial_timeout_s,
        )
        self._loop = Loop(book, strategy, executor, self, NoProgress(), self._clock, limits, places)

    def run(self) -> _End:
        """Search to the goal, or to MOST_TRIALS."""
        self._loop.run()
        return _End(self._ledger.counts().begun, self._ledger.epochs(), self._clock.now() / self._scale)

    def _curve(self, job: Job) -> Sequence[EpochReport]:
        if job.number not in self._trained:
            self._trained[job.number] = self._train(job.number, job.config.objective)
        return self._trained[job.number].reports

    def _train(self, number: int, objective: ObjectiveConfig) -> _Trained:
        """Make up the training of a trial: it is like a better one, or drawn."""
        if self._learns and len(self._trained) >= UNLEARNED and self._random.random() >= AT_RANDOM:
            best = sorted(self._trained.values(), key=lambda trained: -trained.last)
            model = self._random.choice(best[: math.ceil(BEST * len(best))])
            price, last = model.price, self._like(ALIKE, model.last)
        else:
            price = self._prices.draw(number, self._random)
            last = self._like(COST_TELLS, self._cost(price))
        return _Trained(price, last, self._reports(price, last, objective))

    def _reports(self, price: Price, last: float, objective: ObjectiveConfig) -> Sequence[EpochReport]:
        """The reports of a training: the first score foretells the `last`, later ones rise by the epoch's logarithm.

        To further objectives it is the better the less it costs.
        """
        luck = self._random.gauss()
        others: dict[str, float] = {
            each.metric: -_sign(each.direction) * (self._cost(price) + self._random.gauss() / 2)
            for each in objective.also  # a cost of its own, near to that of training
        }
        reports = []
        for epoch in range(1, price.epochs + 1):
            tells = FORETOLD + (1 - FORETOLD) * (epoch - 1) / max(1, price.epochs - 1)
            score = tells * last + math.sqrt(1 - tells**2) * luck + math.log(epoch)
            metrics = {objective.metric: self._sign * score, **others}
            reports.append(EpochReport(epoch, metrics, self._scale * price.epoch_s * epoch))
        return reports

    def _cost(self, price: Price) -> float:
        """What it costs, in standard deviations of the logarithm."""
        return (math.log(price.epoch_s) - self._middle) / self._width

    def _like(self, correlation: float, standing: float) -> float:
        """A standing that has that `correlation` with another."""
        return correlation * standing + math.sqrt(1 - correlation**2) * self._random.gauss()


def _sign(direction: Direction) -> int:
    return 1 if direction == "maximize" else -1


def _sampler(name: str) -> str:
    """The sampler of a simulation: made-up curves teach none, but a grid has an end of its own."""
    return name if name.partition(":")[0] == "grid" else "random"
