"""The epochs that `hpo plan` foretells of a search, and those that searches of recorded tables train.

Both are the strategy and the event loop in virtual time: the plan's with curves that it makes up and random
configurations, the others with recorded curves and the strategy's own sampler. Each search has as many trials of as
many epochs, one worker, and ends when no trial is left to go on.
"""

import argparse
import sys
from pathlib import Path
from statistics import fmean
from typing import Any

from harness import Target, arguments, finish
from hpo.search.commands.plan.forecast import Price, Prices, Searched, forecast
from hpo.search.configuration.search_settings import SearchSettings
from hpo.search.executors.clock import VirtualClock
from hpo.search.executors.simulated import SimulatedExecutor
from hpo.search.loop.goal import Goal, Places
from hpo.search.loop.ledger import Ledger
from hpo.search.loop.loop import Loop
from hpo.search.progress.base import NoProgress
from hpo.search.strategy.strategy import build_strategy
from hpo.studies.store.storage import hush_optuna
from search_ours import NOWHERE, Watch
from search_spaces import Pool, TableSpace, space_of
from search_tables import CurveTable, load_tables
from search_trace import Meter

CURVES = Path(__file__).resolve().parent / "curves"
STRATEGIES = (
    SearchSettings("rungs", "forest"),
    SearchSettings("narrow_rungs", "forest"),
    SearchSettings("pruning", "tpe", "median"),
    SearchSettings("pruning", "tpe", "asha"),
)


def trained(table: CurveTable, settings: SearchSettings, trials: int, seed: int) -> int:
    """Search a table; return the epochs of all trials."""
    space, clock = space_of(table), VirtualClock()
    watch = Watch(Pool(table), Meter(table, sys.maxsize), clock)
    strategy = build_strategy(
        space,
        strategy=settings.strategy,
        sampler=settings.sampler,
        pruner=settings.pruner,
        seed=seed,
        direction="minimize",
        epochs=table.epochs,
        trials=trials,
    )
    ledger: Any = Ledger(space, strategy, table.rows)
    places = Places(NOWHERE, lambda number: NOWHERE / str(number))
    executor = SimulatedExecutor(watch.curve, 1, clock)
    Loop(ledger, strategy, executor, watch, NoProgress(), clock, Goal(trials), places).run()
    return int(ledger.epochs())


def foretold(space: TableSpace, settings: SearchSettings, trials: int, epochs: int) -> float:
    """Return what the plan of such a search says, all trials costing the same."""
    searched = Searched(space, settings, "minimize", epochs, Goal(trials))
    return forecast(searched, Prices([Price(epochs, 1.0)]), 0.0, 1).epochs.median


def shortened(table: CurveTable, epochs: int) -> CurveTable:
    """Return a table as if its trainings had ended after so many epochs."""
    return CurveTable(table.name, table.names, table.configs, table.losses[:, :epochs])


def main() -> None:
    """Print the table, write the JSON."""
    options = parsed()
    hush_optuna()
    recorded = [
        table for table in load_tables(CURVES) if table.epochs >= options.epochs and table.rows > options.trials
    ]
    tables = [shortened(table, options.epochs) for table in recorded[: options.tables]]
    rows, targets, measured = [], [], {}
    for settings in STRATEGIES:
        plans = [foretold(space_of(table), settings, options.trials, options.epochs) for table in tables]
        epochs = [
            fmean(trained(table, settings, options.trials, seed) for seed in range(options.repeats)) for table in tables
        ]
        ratios = [plan / took for plan, took in zip(plans, epochs, strict=True)]
        name = settings.pruner or settings.strategy
        rows.append(
            {
                "strategy": f"{name}, sampler {settings.sampler}",
                "planned": f"{fmean(plans):.0f}",
                "trained, mean of the tables": f"{fmean(epochs):.0f} ({min(epochs):.0f}-{max(epochs):.0f})",
                "planned by trained": f"{fmean(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f})",
            }
        )
        worst = max(abs(ratio - 1) for ratio in ratios)
        targets.append(Target(f"{name}: planned differs from trained on a table, at most", worst, 0.3, at_most=True))
        measured[name] = {table.name: [*pair] for table, *pair in zip(tables, plans, epochs, strict=True)}
    title = f"Epochs of {options.trials} trials of {options.epochs} epochs on {len(tables)} recorded tables"
    finish(options, title, rows, targets, measured)


def parsed() -> argparse.Namespace:
    """Read the command line."""
    parser = arguments("foretold", __doc__ or "", repeats=10)
    parser.add_argument("--trials", type=int, default=20, help="of a search (default 20)")
    parser.add_argument("--epochs", type=int, default=9, help="of a trial (default 9)")
    options = parser.parse_args()
    options.tables = None
    if options.quick:
        options.repeats, options.trials, options.tables = 1, 8, 1
    return options


if __name__ == "__main__":
    main()
