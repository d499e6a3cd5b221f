"""Half of a search in its space and half in the one that is suggested then, against all of it in the first.

On recorded learning curves, in virtual time, at equal epochs; see search.py for what is counted. All searches of a seed
are the same up to half of their epochs. Then the study goes on, or a new one begins, each in the old space and in the
suggested one. A new study may try again what the first one has tried, and pays for it again, in either space.

What a proposal stands for is the nearest row of its space that its study has not tried, and once they are used up the
nearest of the others. The rows of a table were drawn at random, so those in a narrower space are a sample of that.

How spaces are suggested was tried on the tables of TRIED alone; it is judged on the others.
"""

import argparse
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from statistics import mean, median
from typing import NamedTuple

import numpy as np
import optuna
import sklearn
from harness import Target, arguments, finish, target_file
from search_made_up import made_up_tables
from search_runs import Done, Journal, finished
from search_summary import INTERVAL, RESAMPLES
from search_tables import Array, CurveTable, load_tables
from suggested_search import IN_OLD, WAYS, key_of, search

SHARED = Path(__file__).resolve().parents[2] / "shared" / "curves"
TRIED = ("taskset_patch128_lstm128_avg_bs64", "taskset_patch32_irnn64_relu_avg_bs128")
"""Tables on which it was looked at how suggestions do, before the others."""

STRATEGIES = ("narrow_rungs", "narrow_rungs+random")
TRAININGS = (6, 10)
"""The epochs of a search, in whole trainings: half of them find something, all of them not everything."""

LEAST = 1e-3
"""What is added to mean regrets before one is divided by another: where all is found, nothing is left to compare."""


@dataclass(frozen=True)
class Run:
    """A search to be done, the second half of it in each of WAYS."""

    name: str
    table: CurveTable
    seed: int
    epochs: int

    def key(self, way: str) -> str:
        """What decides what it finds."""
        return key_of(way, self.name, self.table, self.seed, self.epochs)

    def do(self) -> dict[str, Done]:
        """Search; return what was found by way."""
        optuna.logging.set_verbosity(optuna.logging.WARNING)  # also in a process of a pool
        sklearn.set_config(skip_parameter_validation=True)  # which takes a third of the forest's time
        began = time.process_time()
        traces = search(self.name, self.table, self.seed, self.epochs)
        cpu_s = (time.process_time() - began) / len(traces)
        return {way: Done(trace, cpu_s) for way, trace in traces.items()}


class Setting(NamedTuple):
    """A strategy, and the epochs of its searches in whole trainings."""

    name: str
    trainings: int

    def __str__(self) -> str:
        return f"{self.name}, {self.trainings} trainings"


Runs = Mapping[Setting, Sequence[Sequence[Run]]]
"""For each table one of each seed."""

Regrets = Mapping[tuple[str, Setting], Array]
"""By way and setting, [tables, seeds]."""


def main() -> None:
    options = parsed()
    tables = made_up_tables()[:1] if options.quick else chosen(options)
    runs = {
        each: [[Run(each.name, t, seed, each.trainings * t.epochs) for seed in range(options.seeds)] for t in tables]
        for each in options.settings
    }
    journal = Journal(target_file(options).with_suffix(".runs.jsonl"))
    do([run for parts in runs.values() for seeds in zip(*parts, strict=True) for run in seeds], journal, options.jobs)
    report(options, tables, regrets_of(runs, journal, 1.0), regrets_of(runs, journal, 0.5))


def parsed() -> argparse.Namespace:
    """Return what the command line asks for."""
    parser = arguments("suggest_space", __doc__.splitlines()[0])
    parser.add_argument("--curves", type=Path, default=SHARED, help=f"the folder of tables (default {SHARED})")
    parser.add_argument("--tried", action="store_true", help=f"on {' and '.join(TRIED)} in place of the others")
    parser.add_argument("--seeds", type=int, default=20, help="searches of each table (default 20)")
    parser.add_argument(
        "--strategies", default=",".join(STRATEGIES), help=f"some of {','.join(STRATEGIES)} (default all)"
    )
    parser.add_argument("--jobs", type=int, default=1, help="searches at a time, each on a core of its own (default 1)")
    options = parser.parse_args()
    options.settings = [Setting(*each) for each in product(options.strategies.split(","), TRAININGS)]
    if options.quick:
        options.seeds, options.settings = 1, [Setting("narrow_rungs+random", 3)]
    return options


def chosen(options: argparse.Namespace) -> list[CurveTable]:
    """Return the tables that are judged on, or those that were tried on."""
    return [table for table in load_tables(options.curves) if (table.name in TRIED) == options.tried]


def do(runs: Sequence[Run], journal: Journal, jobs: int) -> None:
    """Do those runs that are not in the journal, `jobs` at a time."""
    missing = [run for run in runs if any(journal.get(run.key(way)) is None for way in WAYS)]
    for run, dones in finished(missing, Run.do, jobs):
        for way, done in dones.items():
            journal.add(run.key(way), done)


def regrets_of(runs: Runs, journal: Journal, share: float) -> Regrets:
    """Return the regrets after a share of the epochs."""
    return {
        (way, each): np.array([[_regret(run, journal.get(run.key(way)), share) for run in part] for part in parts])
        for way, (each, parts) in product(WAYS, runs.items())
    }


def _regret(run: Run, done: Done | None, share: float) -> float:
    """The regret after a share of the epochs; 1, that of the median row, where nothing better was found."""
    assert done is not None, f"{run.name} on {run.table.name}, seed {run.seed}, was not searched"
    return min(done.trace.regret_after(share * run.epochs), 1.0)


def report(options: argparse.Namespace, tables: Sequence[CurveTable], regrets: Regrets, halves: Regrets) -> None:
    """Write table and JSON."""
    rows = [row(each, way, regrets, halves) for each in options.settings for way in WAYS]
    targets = [
        Target(f"{each}: mean regret, {before} / {way}", ratio(regrets, each, way)[0], 1.0)
        for each in options.settings
        for way, before in IN_OLD.items()
    ]
    by_table = {
        table.name: {
            f"{each}, {way}": {"median": median(regrets[way, each][place]), "mean": mean(regrets[way, each][place])}
            for each, way in product(options.settings, WAYS)
        }
        for place, table in enumerate(tables)
    }
    title = (
        f"Regret on {len(tables)} tables, {options.seeds} searches of each, after the epochs of so many trainings, the "
        "second half by the same study or a new one, in the old space or the one that is suggested then"
    )
    finish(options, title, rows, targets, {}, tables=by_table, tried_on=TRIED)


def row(setting: Setting, way: str, regrets: Regrets, halves: Regrets) -> dict[str, str]:
    """Return a line of the table."""
    own = regrets[way, setting]
    return {
        "strategy": setting.name,
        "trainings": str(setting.trainings),
        "second half": way,
        "median at half": f"{np.median(halves[way, setting]):.3f}",
        "median at the end": f"{np.median(own):.3f}",
        "mean at the end": f"{own.mean():.3f}",
        **(beside_old(setting, way, regrets) if way in IN_OLD else {"better, same, worse": "", "old mean by own": ""}),
    }


def beside_old(setting: Setting, way: str, regrets: Regrets) -> dict[str, str]:
    """Return how a way compares with the one that differs by its space alone, seed by seed."""
    own, old = regrets[way, setting], regrets[IN_OLD[way], setting]
    value, low, high = ratio(regrets, setting, way)
    better, worse = int((own < old).sum()), int((own > old).sum())
    return {
        "better, same, worse": f"{better}, {own.size - better - worse}, {worse}",
        "old mean by own": f"{value:.2f} ({low:.2f}-{high:.2f})",
    }


def ratio(regrets: Regrets, setting: Setting, way: str) -> tuple[float, float, float]:
    """Return the mean regret in the old space by that in the suggested one, with its interval, by resampling seeds."""
    old, own = regrets[IN_OLD[way], setting], regrets[way, setting]
    draws = np.random.default_rng(0).integers(old.shape[1], size=(RESAMPLES, old.shape[1]))
    ratios = [(old[:, draw].mean() + LEAST) / (own[:, draw].mean() + LEAST) for draw in draws]
    low, high = np.percentile(ratios, INTERVAL)
    return float((old.mean() + LEAST) / (own.mean() + LEAST)), float(low), float(high)


if __name__ == "__main__":
    main()
