"""What is unwise about a search, in sentences: by its space, its strategy, its data, and what was measured."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import isfinite

from ....training.data.config import DataConfig
from ....training.data.test_note import WIDE, expected_width, test_note
from ....training.data.validation_note import COARSE, least_difference, validation_note
from ...configuration.search_settings import SearchSettings
from ...executors.preflight import Preflight
from ...progress.format import disk_size, duration
from ...strategy.schedulers.hyperband import Hyperband
from ...strategy.strategies.auto import LEAST_EPOCHS, LEAST_PER_WORKER, LEAST_STEPS, LEAST_TRIALS, Facts
from .result import Room

START_SHARE = 0.5
"""Of a usual trial's time: above it more goes by in making ready than in training."""


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What advice follows from.

    `facts` are those that a strategy is picked by, with the workers of the search; `settings` say how it is searched,
    `size` how many configurations it can propose; `ready` tells of the images of `data`. `start_s` goes by before a
    trial's first epoch, `epoch_s` is that of a usual one. `memory` is that of all workers, `disk` that of checkpoints.
    """

    facts: Facts
    settings: SearchSettings
    size: float
    data: DataConfig
    ready: Preflight
    start_s: float
    epoch_s: float
    memory: Room
    disk: Room


def advice(of: Circumstances) -> Iterator[str]:
    """Yield what is unwise, the gravest first."""
    yield from _room(of)
    yield from _size(of)
    yield from _strategy(of)
    yield from _workers(of)
    yield from _images(of)
    if of.start_s > START_SHARE * (of.start_s + of.epoch_s * _epochs(of)):
        yield (
            f"a worker makes ready for {duration(of.start_s)} each time that it is given a trial, and most train for "
            f"{duration(of.epoch_s * _epochs(of))}: more epochs a trial would use the time better"
        )


def _epochs(of: Circumstances) -> int:
    """The epochs that most trials have: up to the first rung, or all of them."""
    return 1 if of.settings.strategy.endswith("rungs") else of.facts.epochs


def _room(of: Circumstances) -> Iterator[str]:
    memory, disk = of.memory, of.disk
    if memory.needed is not None and memory.needed > memory.free:
        yield (
            f"{of.facts.workers} workers with the largest configuration take {disk_size(memory.needed)} of memory, "
            f"and {disk_size(memory.free)} are free: take fewer --workers, smaller batches or a smaller model"
        )
    if disk.needed is not None and disk.needed > disk.free:
        yield (
            f"checkpoints may take {disk_size(disk.needed)}, and {disk_size(disk.free)} are free on the disk of "
            "the home: name another --home, or take fewer trials"
        )


def _size(of: Circumstances) -> Iterator[str]:
    trials, is_grid = of.facts.trials, of.settings.sampler.partition(":")[0] == "grid"
    if trials is None or not isfinite(of.size):
        return
    if is_grid and of.size > trials:
        yield f"the grid has {of.size:,.0f} configurations, and {trials:,} trials try {trials / of.size:.0%} of them"
    elif of.size < trials:
        what = "grid" if is_grid else "space"
        yield f"the {what} has {of.size:,.0f} configurations, fewer than {trials:,} trials: it ends when each was tried"


def _strategy(of: Circumstances) -> Iterator[str]:
    facts, trials = of.facts, of.facts.space.most_trials(of.facts.trials)
    if of.settings.strategy.endswith("rungs"):
        if not facts.folds and facts.epochs < LEAST_EPOCHS:
            yield f"budget.epochs {facts.epochs} is too few for rungs: from {LEAST_EPOCHS} on they save some"
        if not facts.folds and facts.steps is not None and facts.steps < LEAST_STEPS:
            yield (
                f"an epoch has {facts.steps} batches: with fewer than {LEAST_STEPS} the first rung compares luck; "
                "smaller batches have more, or take --strategy pruning"
            )
        if trials < LEAST_TRIALS:
            yield f"{trials:g} trials are too few for rungs, which compare {LEAST_TRIALS} or more"
    if (of.settings.pruner or "").partition(":")[0] == "hyperband":
        sizes = Hyperband(facts.epochs).sizes
        needed = max(sum(sizes), LEAST_TRIALS * len(sizes))
        if trials < needed:
            yield (
                f"hyperband shares {trials:g} trials among {len(sizes)} brackets, which need {needed} to compare some "
                "in each: take more trials, or --pruner asha, which has one bracket"
            )


def _workers(of: Circumstances) -> Iterator[str]:
    workers, trials = of.facts.workers, of.facts.space.most_trials(of.facts.trials)
    if trials < workers:
        yield f"{workers} workers for {trials:g} trials: {workers - trials:g} of them have nothing to do"
    elif workers > 1 and trials < LEAST_PER_WORKER * workers:
        yield (
            f"{workers} workers begin most of {trials:g} trials before any has ended, so that a sampler learns little: "
            f"take {max(1, int(trials) // LEAST_PER_WORKER)}, or {LEAST_PER_WORKER * workers} trials"
        )


def _images(of: Circumstances) -> Iterator[str]:
    ready = of.ready
    if expected_width(ready.test_images) > WIDE:
        yield test_note(ready.test_images, of.data, ready.given_splits)
    if least_difference(ready.val_images) > COARSE:
        yield validation_note(ready.val_images, ready.train_images, is_given="val" in ready.given_splits)
