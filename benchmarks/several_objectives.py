"""What pruning saves a search for accuracy and size: epochs until the front is as good as without.

On recorded curves of image classifiers whose width was searched, in virtual time. The size of a configuration is that
of its network (params_m), as `hpo run` measures it. A front is worth the area that it dominates, of accuracy and the
logarithm of size, both scaled to their ranges over the table (the hypervolume); of each table 1 is that of all its
configurations. What nobody prunes is Optuna's way with several objectives.
"""

import argparse
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from harness import Target, arguments, finish
from hpo.common.fronts import front_numbers
from hpo.search.executors.base import Job
from hpo.search.executors.clock import VirtualClock
from hpo.search.executors.simulated import SimulatedExecutor
from hpo.search.loop.goal import Goal, Places
from hpo.search.loop.ledger import Ledger
from hpo.search.loop.loop import Loop
from hpo.search.progress.base import NoProgress
from hpo.search.strategy.strategy import build_strategy
from hpo.spaces.parameter import Scalar
from hpo.studies.store.storage import hush_optuna
from hpo.studies.tracking.events import Epoch, Event, TrialStarted
from hpo.studies.tracking.tracker import NullTracker
from hpo.training.models.config import ResNet, SimpleCnn
from hpo.training.models.meta import build_on_meta
from hpo.training.report import EpochReport
from search_spaces import Pool, TableSpace, space_of
from search_tables import Array, CurveTable, load_table

CURVES = Path(__file__).resolve().parent / "curves"
TABLES = ("wide_cnn_cifar10", "wide_cnn_fashion_mnist", "resnet_cifar10", "resnet_digits", "resnet_fashion_mnist")
"""The recorded tables of real images in which the size of the network varies."""

WITHOUT = "pruning+tpe"
ENTRANTS = (WITHOUT, "pruning+random", "rungs+random", "rungs+forest", "one_epoch_then_best+forest")
"""Strategies with their samplers; the first two prune nothing where there are several objectives."""

SHARES = (0.9, 0.95, 0.99)
"""Shares of the table's hypervolume."""

EPOCH_S = 2.0**-4
NOWHERE = Path("/nonexistent")


@dataclass(frozen=True)
class TwoGoals(TableSpace):
    """The space of a table, searched for accuracy and size."""

    def tree(self, params: Mapping[str, Scalar]) -> dict[str, Any]:
        """Build the configuration of a trial."""
        return {**super().tree(params), "objective": {"metric": "val_accuracy", "also": [{"metric": "params_m"}]}}


@dataclass
class Watch(NullTracker):
    """Gives each trial its row; keeps the hypervolume by the epochs that were trained."""

    table: CurveTable
    sizes: Array
    pool: Pool = field(init=False)
    rows: dict[int, int] = field(default_factory=dict)
    epochs: int = 0
    ends: list[int] = field(default_factory=list)
    reached: list[tuple[int, float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.pool = Pool(self.table)

    def tell(self, event: Event) -> None:
        """Hear of an event."""
        match event:
            case TrialStarted(number, params) if number not in self.rows:
                self.rows[number] = self.pool.take(params)
            case Epoch(number, epoch):
                self.epochs += 1
                if epoch == self.table.epochs:
                    self.ends.append(self.rows[number])
                    self.reached.append((self.epochs, hypervolume(self.table, self.sizes, self.ends)))

    def curve(self, job: Job) -> Sequence[EpochReport]:
        """Return the curve of a trial."""
        row = self.rows[job.number]
        size = float(self.sizes[row])
        return [
            EpochReport(epoch, {"val_accuracy": 1 - float(loss), "params_m": size}, EPOCH_S * epoch)
            for epoch, loss in enumerate(self.table.losses[row], start=1)
        ]

    def epochs_to(self, worth: float) -> float:
        """The epochs until the front was worth so much; inf where it never was."""
        return next((epochs for epochs, value in self.reached if value >= worth), math.inf)


def sizes_of(path: Path, table: CurveTable) -> Array:
    """The size of the network of each configuration, in millions of parameters."""
    with np.load(path) as arrays:
        legend = json.loads(str(arrays["legend"]))
    build: Callable[..., Any] = ResNet if "model.depth" in table.names else SimpleCnn

    def size(config: Array) -> float:
        values = dict(zip(table.names, config, strict=True))
        model: dict[str, Any] = {"width": int(values["model.width"])}
        for name in ("depth", "norm"):
            if (key := f"model.{name}") in values:
                entry = legend[key]
                model[name] = entry["choices"][int(values[key])] if "choices" in entry else int(values[key])
        net = build_on_meta(build(**model), num_classes=10, in_channels=3, image_size=12)
        return sum(parameter.numel() for parameter in net.parameters()) / 1e6

    return np.array([size(config) for config in table.configs])


def hypervolume(table: CurveTable, sizes: Array, rows: Sequence[int]) -> float:
    """The area that the configurations `rows` dominate, of accuracy and log size, each scaled to [0, 1]."""
    final, logs = table.losses[:, -1], np.log(sizes)
    finite = final[np.isfinite(final)]
    good = (finite.max() - final) / (finite.max() - finite.min())
    small = (logs.max() - logs) / (logs.max() - logs.min())
    points = [(float(good[row]), float(small[row])) for row in rows if np.isfinite(good[row])]
    front = sorted({point for point, number in zip(points, front_numbers(points), strict=True) if number == 0})
    area, left = 0.0, 0.0
    for accuracy, smallness in front:  # ascending in accuracy, so descending in smallness
        area += (accuracy - left) * smallness
        left = accuracy
    return area


def searched(entrant: str, table: CurveTable, sizes: Array, seed: int) -> Watch:
    """Search a table whole by STRATEGY+SAMPLER."""
    strategy_name, sampler = entrant.split("+")
    space = TwoGoals(**vars(space_of(table)))
    watch, clock = Watch(table, sizes), VirtualClock()
    strategy = build_strategy(
        space,
        strategy=strategy_name,
        sampler=sampler,
        pruner=None,
        seed=seed,
        direction="maximize",
        others=["minimize"],
        epochs=table.epochs,
        trials=table.rows,
    )
    executor = SimulatedExecutor(watch.curve, 1, clock)
    places = Places(NOWHERE, lambda number: NOWHERE / str(number))
    ledger: Any = Ledger(space, strategy, table.rows)
    Loop(ledger, strategy, executor, watch, NoProgress(), clock, Goal(), places).run()
    return watch


def measured(options: argparse.Namespace, name: str) -> dict[str, dict[str, list[float]]]:
    """What each entrant came to on a table, by seed."""
    path = CURVES / f"{name}.npz"
    table = load_table(path)
    sizes = sizes_of(path, table)
    whole = hypervolume(table, sizes, range(table.rows))
    figures: dict[str, dict[str, list[float]]] = {}
    for entrant in options.entrants:
        runs = [searched(entrant, table, sizes, seed) for seed in range(options.seeds)]
        figures[entrant] = {f"{share:g}": [run.epochs_to(share * whole) for run in runs] for share in SHARES}
        print(f"{name} {entrant}", flush=True)
    return figures


def main() -> None:
    """Search every table with every entrant, and print what it took."""
    options = parsed()
    hush_optuna()
    results = {name: measured(options, name) for name in options.tables}
    rows = [_row(name, entrant, results) for name in results for entrant in results[name]]
    rows += [_overall(entrant, results) for entrant in options.entrants if entrant != WITHOUT]
    title = "Epochs of a search for accuracy and size until its front is worth so much, with and without pruning"
    finish(options, title, rows, targets_of(options.entrants[1:], results), results, seeds=options.seeds)


Results = Mapping[str, Mapping[str, Mapping[str, Sequence[float]]]]
"""Epochs by table, strategy and share, one of each seed."""


def _row(name: str, entrant: str, results: Results) -> dict[str, str]:
    figures = {share: median(results[name][entrant][f"{share:g}"]) for share in SHARES}
    return {
        "table": name,
        "strategy": entrant,
        **{_percent(share): f"{epochs:g}" for share, epochs in figures.items()},
        "saved at 95 %": _percent(_saved(name, entrant, results)),
    }


def _overall(entrant: str, results: Results) -> dict[str, str]:
    """The geometric mean over the tables of what is left of the epochs, as what is saved."""
    left = [math.log(1 - _saved(name, entrant, results)) for name in results]
    shares = dict.fromkeys(map(_percent, SHARES), "")
    saved = 1 - math.exp(sum(left) / len(left))
    return {"table": "all, geometric mean", "strategy": entrant, **shares, "saved at 95 %": _percent(saved)}


def _saved(name: str, entrant: str, results: Results) -> float:
    """The share of the epochs to 95 % that a strategy needs less than what prunes nothing, by medians."""
    return 1 - median(results[name][entrant]["0.95"]) / median(results[name][WITHOUT]["0.95"])


def targets_of(entrants: Sequence[str], results: Results) -> list[Target]:
    """What rungs are to save at least: something, on every table."""
    saved = {
        entrant: [_saved(name, entrant, results) for name in results] for entrant in entrants if "rungs" in entrant
    }
    what = "share of the epochs to 95 % of the hypervolume that are saved, worst table"
    return [Target(f"{entrant}: {what}", min(shares), 0.0, at_most=False) for entrant, shares in saved.items()]


def _percent(share: float) -> str:
    return f"{share:.0%}".replace("%", " %")


def parsed() -> argparse.Namespace:
    """Read the command line."""
    parser = arguments("several_objectives", __doc__ or "")
    parser.add_argument("--seeds", type=int, default=20, help="searches of each (default 20)")
    options = parser.parse_args()
    options.tables, options.entrants = (TABLES[:1], (WITHOUT, "rungs+random")) if options.quick else (TABLES, ENTRANTS)
    options.seeds = 2 if options.quick else options.seeds
    return options


if __name__ == "__main__":
    main()
