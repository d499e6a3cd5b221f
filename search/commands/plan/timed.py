"""Which configurations of a space are timed, and what was found."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from ....errors import TrainingError
from ...executors.base import Executor
from ...executors.preflight import Preflight
from .cost import CostModel, Work, fit
from .measure import Stopwatch, Timing

SHARES = (0.1, 0.3, 0.5, 0.7, 0.9)
"""Where the configurations that are timed stand among all by their cost: the middles of five equal parts."""
MEDIAN = SHARES.index(0.5)


@dataclass(frozen=True, slots=True)
class Chosen:
    """The work of configurations that are timed: `spread` by their cost, ascending, and the one of most memory."""

    spread: tuple[Work, ...]
    heaviest: Work


def choose(drawn: Sequence[Work], heavy: Sequence[Work]) -> Chosen:
    """Choose of those that were `drawn`, and of `heavy` ones the heaviest."""
    by_cost = sorted(drawn, key=lambda work: work.guess)
    spread = (by_cost[int(share * len(by_cost))] for share in SHARES)
    return Chosen(tuple(spread), max([*heavy, *drawn], key=lambda work: work.memory))


@dataclass(frozen=True, slots=True)
class Timed:
    """A configuration that was timed, and what it took."""

    work: Work
    timing: Timing

    def to_json(self) -> dict[str, Any]:
        """The object in `hpo plan --json`."""
        timing, work = self.timing, self.work
        parameters, flops = work.cost or (None, None)
        return {
            "batch_size": work.config.data.batch_size,
            "batches": work.steps,
            "parameters": parameters,
            "flops": flops,
            "epoch_s": timing.epoch_s,
            "start_s": timing.start_s + timing.end_s,
            "memory_bytes": timing.peak_bytes,
            "card_bytes": timing.card_bytes,
            "failure": timing.failure,
        }


@dataclass(frozen=True, slots=True)
class Measured:
    """What so many `workers` took for what each of them trained at once.

    `median` is of the middle cost, `largest` takes most memory; `model` says what an epoch of others takes, `start_s`
    what goes by each time that a worker is given a trial. `ready_s` went by until the first was at work.
    """

    workers: int
    median: Timed
    largest: Timed
    model: CostModel
    start_s: float
    ready_s: float

    def to_json(self) -> dict[str, Any]:
        """The object in `hpo plan --json`."""
        return {
            "workers": self.workers,
            "median": self.median.to_json(),
            "largest": self.largest.to_json(),
            "start_s": self.start_s,
            "cost_error": self.model.error,
        }


def measure(
    executor: Executor, chosen: Chosen, ready: Preflight, folder: Path, stage: Callable[[str, int, int], None]
) -> Measured:
    """Time what was chosen, on all workers of `executor` at once; `folder` takes the files of the trainings.

    Raises:
        TrainingError: no configuration could be trained.
        MachineError: the machine lets no training go on.
    """
    stopwatch = Stopwatch(executor, ready.pack, folder, chosen.heaviest.val_images / ready.train_images)
    words = f"timing configurations, {executor.slots} at once" if executor.slots > 1 else "timing configurations"
    stage(words, 0, 0)
    first = stopwatch.time(chosen.spread[MEDIAN].config)
    timed = [Timed(work, stopwatch.time(work.config)) for work in chosen.spread]
    largest = Timed(chosen.heaviest, stopwatch.time(chosen.heaviest.config))
    trained = [each for each in (*timed, largest) if not each.timing.failure]
    if not trained:
        raise TrainingError(f"no configuration could be trained: {largest.timing.failure}")
    return Measured(
        executor.slots,
        timed[MEDIAN],
        largest,
        fit([(each.work, each.timing.epoch_s) for each in trained]),
        fmean(each.timing.start_s + each.timing.end_s for each in trained),
        max(0.0, first.start_s - timed[MEDIAN].timing.start_s),
    )
