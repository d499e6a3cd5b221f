"""Winners chosen by five folds beside winners chosen by one validation split, at equal cost, on few images.

Random configurations of a space are trained on each fold of repeated draws of few digits, and once more on all of a
draw, to be tested on some 900 other digits. On these tables searches are run in many orders of the configurations, with
the schedulers of `hpo run`; a training of a fold is a unit of their cost. The winner of a search is the best of its
complete trials; what counts is the test accuracy of its configuration, trained on all of the draw, and how much less
that is than the value that it won by. Trainings that were done are kept, and not run again.

    python benchmarks/folds.py
"""

import argparse
import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

import numpy as np
import torch
from curve_training import draw
from harness import arguments, figure, finish, target_file
from hpo.search.configuration.configure import configure
from hpo.search.configuration.space_file import SpaceFile
from hpo.search.strategy.base import GO, Begin, Pause, Resume, Scheduler
from hpo.search.strategy.curves import Curves
from hpo.search.strategy.schedulers.none import NoPruning
from hpo.search.strategy.schedulers.wilcoxon import wilcoxon
from hpo.search.strategy.strategies.rungs import even_promotion, rung_epochs
from hpo.spaces.load import load_space
from hpo.training.config import TrialConfig
from hpo.training.data.batches import EvalBatches
from hpo.training.data.pack import Pack, open_test
from hpo.training.data.prepare import prepare
from hpo.training.export.classifier import Classifier
from hpo.training.machine.precision import Precision
from hpo.training.metrics.over_split import evaluate
from hpo.training.report import TrainResult
from hpo.training.train import train

SPACE = "simple_cnn"
WIDTH = 16
FOLDS = 5
Row = Sequence[float]
"""The value on each fold, and the test accuracy of the configuration trained on all of the draw."""


def configuration(number: int, seed: int, options: argparse.Namespace) -> TrialConfig:
    """Return configuration `number` of the space, on draw `seed` of the digits."""
    data = {"source": "digits", "folds": FOLDS, "max_train": options.images, "test_fraction": 0.5, "split_seed": seed}
    fixed = [f"model.width={WIDTH}", f"budget.epochs={options.epochs}", "precision.dtype=fp32", "data.batch_size=16"]
    space = load_space(SPACE, SpaceFile, [*(f"data.{key}={value}" for key, value in data.items()), *fixed])
    return configure(space, draw(space, number))


def measure(config: TrialConfig, pack: Pack) -> Row:
    """Train a configuration on each fold, and on all of the draw; a training that diverged is worth nothing."""
    with tempfile.TemporaryDirectory() as scratch:
        *_, validated = train(config, pack=pack.path, directory=Path(scratch) / "folds")
        assert isinstance(validated, TrainResult)
        ended = [report.metrics["val_accuracy"] for report in validated.history if report.ends_fold]
        list(train(config, pack=pack.path, directory=Path(scratch) / "all", fit_on="train_and_val"))
        best = Path(scratch) / "all" / "best.ckpt"
        accuracy = tested(best, config, pack, Path(scratch)) if best.exists() else 0.0
    return [*ended, *[0.0] * (FOLDS - len(ended)), accuracy]


def tested(weights: Path, config: TrialConfig, pack: Pack, scratch: Path) -> float:
    """Return the accuracy of weights on the test images."""
    split = open_test(pack, "benchmark", scratch / "openings.jsonl")
    model = Classifier.from_checkpoint(weights, config, pack).model
    device = torch.device("cpu")
    batches = EvalBatches(split, mean=pack.mean, std=pack.std, batch_size=512, device=device)
    return evaluate(model, batches, Precision(device, torch.float32)).accuracy


def record(options: argparse.Namespace) -> list[list[Row]]:
    """Return a table of rows by configuration for each draw.

    Draws take turns, so that all have as many when it is cut.
    """
    journal = target_file(options).with_suffix(".runs.jsonl")
    lines = journal.read_text().splitlines() if journal.exists() else []
    done = {tuple(key): row for key, row in map(json.loads, lines)}
    tables: list[list[Row]] = [[] for _ in range(options.repeats)]
    with tempfile.TemporaryDirectory() as cache:
        for number in range(options.configurations):
            for seed, table in enumerate(tables):
                key = (seed, number, options.images, options.epochs)
                if key not in done:
                    config = configuration(number, seed, options)
                    done[key] = measure(config, prepare(config.data, cache=Path(cache)))
                    with journal.open("a") as file:
                        print(json.dumps((key, done[key])), file=file)
                    print(key, " ".join(f"{value:.3f}" for value in done[key]), flush=True)
                table.append(done[key])
    return tables


@dataclass(frozen=True)
class Winner:
    """The value that a configuration won by, and its test accuracy."""

    value: float
    test: float


class Search:
    """A search of a `table` of which the first `folds` are trained on, the configurations in this `order`."""

    def __init__(self, table: Sequence[Row], order: Sequence[int], scheduler: Scheduler, folds: int) -> None:
        self._table, self._fresh, self._scheduler, self._folds = table, list(reversed(order)), scheduler, folds
        self._curves, self._paused = Curves("maximize", folds, in_folds=True), set[int]()

    def run(self, budget: int) -> Winner:
        """Spend so many trainings; return the best complete trial, or the one that came furthest and was best there."""
        running: int | None = None
        for _ in range(budget):
            running = self._choose() if running is None else running
            if running is None:
                break
            running = self._train(running)
        curves = {number: self._curves[number] for number in range(len(self._table)) if self._curves[number].epoch}
        best = max(curves, key=lambda number: (curves[number].epoch, curves[number].last, -number))
        return Winner(curves[best].last, self._table[best][-1])

    def _choose(self) -> int | None:
        can_begin = bool(self._fresh)
        match self._scheduler.choose(self._curves, self._paused, can_begin=can_begin, is_idle=True):
            case Begin():
                return self._fresh.pop()
            case Resume(number):
                self._paused.remove(number)
                return number
            case _:
                return None

    def _train(self, number: int) -> int | None:
        """Train a trial's next fold; return it where it goes on."""
        step = self._curves[number].epoch + 1
        self._curves.report(number, step, fmean(self._table[number][:step]))
        decision = self._scheduler.on_report(self._curves, number)
        if isinstance(decision, Pause) and step < self._folds:
            self._paused.add(number)
        return number if decision == GO and step < self._folds else None


SEARCHES: Mapping[str, tuple[Callable[[], Scheduler], int]] = {
    "one validation split": (NoPruning, 1),
    "folds, all of them": (NoPruning, FOLDS),
    "folds, wilcoxon": (lambda: wilcoxon(FOLDS), FOLDS),
    "folds, rungs": (lambda: even_promotion(rung_epochs(FOLDS), None), FOLDS),
}


def searched(name: str, tables: Sequence[Sequence[Row]], budget: int, orders: int) -> list[list[Winner]]:
    """Return the winners of a search by draw, one for each order; orders are the same for all searches."""
    make, folds = SEARCHES[name]
    random = np.random.default_rng(0)
    drawn = [random.permutation(len(tables[0])).tolist() for _ in range(orders)]
    return [[Search(table, order, make(), folds).run(budget) for order in drawn] for table in tables]


def row(name: str, by_draw: Sequence[Sequence[Winner]], tables: Sequence[Sequence[Row]]) -> dict[str, str]:
    """Return a line of the table."""
    best = [max(each[-1] for each in table) for table in tables]
    tests = [fmean(winner.test for winner in winners) for winners in by_draw]
    promises = [fmean(winner.value - winner.test for winner in winners) for winners in by_draw]
    regrets = [top - test for top, test in zip(best, tests, strict=True)]
    return {
        "search": name,
        "test accuracy of the winner": figure(tests).text(3),
        "less than the best of the table": figure(regrets).text(3),
        "its value promised too much by": figure(promises).text(3),
    }


def main() -> None:
    parser = arguments("folds", __doc__.splitlines()[0], repeats=6)
    parser.add_argument("--configurations", type=int, default=40, help="of the space (default 40)")
    parser.add_argument("--images", type=int, default=100, help="of a draw (default 100)")
    parser.add_argument("--epochs", type=int, default=12, help="of a training (default 12)")
    parser.add_argument("--orders", type=int, default=200, help="of configurations in a search (default 200)")
    options = parser.parse_args()
    if options.quick:
        options.repeats, options.configurations, options.images, options.epochs = 1, 3, 60, 1
    torch.set_num_threads(1)
    tables = record(options)
    budget = options.configurations
    winners = {name: searched(name, tables, budget, options.orders) for name in SEARCHES}
    rows = [row(name, by_draw, tables) for name, by_draw in winners.items()]
    title = f"{options.repeats} draws of {options.images} digits, {budget} trainings of {options.epochs} epochs"
    measured = {
        name: {"by_draw": [[fmean(w.test for w in ws), fmean(w.value for w in ws)] for ws in by_draw]}
        for name, by_draw in winners.items()
    }
    finish(options, f"{title}, {options.orders} orders of each; medians of draws (min-max)", rows, [], measured)


if __name__ == "__main__":
    main()
