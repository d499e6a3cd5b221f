"""What many coordinators of one study cost, and where they end, on PostgreSQL.

Five parts, each beside stock Optuna where it has the like:

- cost: CPU of the coordinator for a trial of five epochs, loop and book, on given curves;
- claims: claims a second of all coordinators together, over a wire that takes 20 ms each way;
- efficiency: how much of the time workers train, with 1 to 8 coordinators, each a process with two workers that sleep;
- growth: the cost of a trial in a study of 100, 1,000 and 10,000 trials;
- virtual: 1,000 workers and 100,000 trials by a virtual clock, the store an SQLite file.

PostgreSQL's programs must be on this machine; a server is started for the run, which waits for no disk.
"""

import argparse
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import optuna
import pytest
from harness import Figure, Target, arguments, figure, finish, ratio
from scale_parts import claims_a_second, cost_ms, efficiency, growth_ms, stock_asks_a_second, stock_cost_ms, virtual

from tests.servers import Server, postgresql  # which scale_parts has put on the path

COORDINATORS = (1, 2, 4, 8)
FEW = (2,)  # in a smoke run
SIZES = (100, 1_000, 10_000)
MOST_MS, STOCK_MS = 10, 56  # of CPU, on the machine for which the target was set; others are faster or slower
DELAY_S = 0.02
PARTS = ("cost", "claims", "efficiency", "growth", "virtual")

Row = dict[str, str]
Part = tuple[list[Row], list[Target], dict[str, Any]]


def cost(server: Server, options: argparse.Namespace) -> Part:
    """Measure the CPU of a trial, ours and stock in turn."""
    trials = 5 if options.quick else 200
    ours, stock = [], []
    for _ in range(options.repeats):
        ours.append(cost_ms(server.database(), trials))
        stock.append(stock_cost_ms(server.database(), trials))
    by_stock = ratio(ours, stock)
    rows = [row("CPU of a trial of 5 epochs, ms", figure(ours), figure(stock), 1)]
    targets = [
        Target("CPU of the coordinator for a trial of 5 epochs, ms", figure(ours).median, MOST_MS, at_most=True),
        Target("the same by stock's, in turn on this machine", by_stock.median, MOST_MS / STOCK_MS, at_most=True),
    ]
    return rows, targets, {"cost_ms": figure(ours), "stock_cost_ms": figure(stock), "cost_by_stock": by_stock}


def claims(server: Server, options: argparse.Namespace) -> Part:
    """Measure claims over a slow wire."""
    counts, seconds = (FEW, 0.2) if options.quick else (COORDINATORS, 10.0)
    rows, measured, last = [], {}, 0.0
    for count in counts:
        ours = claims_a_second(server, count, seconds, DELAY_S)
        stock = stock_asks_a_second(server, count, seconds, DELAY_S)
        rows.append(row(f"claims a second of {count}, 20 ms each way", figure([ours]), figure([stock]), 1))
        measured[str(count)], last = {"ours": ours, "stock": stock}, ours
    target = Target(f"claims a second of {counts[-1]} coordinators, 20 ms each way", last, 5)
    return rows, [target], {"claims_a_second": measured}


def efficient(server: Server, options: argparse.Namespace) -> Part:
    """Measure the share of the time that workers train."""
    counts, rounds, epoch_s = (FEW, 1, 0.05) if options.quick else (COORDINATORS, 6, 1.0)
    shares = {count: efficiency(server.database(), count, rounds, epoch_s) for count in counts}
    rows = [
        row(f"time in which workers of {count} train, %", figure([100 * share]), None, 1)
        for count, share in shares.items()
    ]
    targets = [Target(f"efficiency with 1 to {counts[-1]} coordinators, the least", min(shares.values()), 0.98)]
    return rows, targets, {"efficiency": shares}


def growth(server: Server, options: argparse.Namespace) -> Part:
    """Measure trials as the study grows."""
    sizes = (10, 20) if options.quick else SIZES
    costs = growth_ms(server.database(), sizes, measured=5 if options.quick else 100)
    rows, targets = [], []
    for what in ("cpu", "wall"):
        taken = {size: getattr(cost, what) for size, cost in costs.items()}
        rows += [row(f"a trial at {size:,} trials, ms of {what}", figure([taken[size]]), None, 1) for size in sizes]
        grown = taken[sizes[-1]] / taken[sizes[0]]
        targets.append(Target(f"{what} at {sizes[-1]:,} trials by that at {sizes[0]:,}", grown, 1.5, at_most=True))
    return rows, targets, {"growth_ms": {size: cost.__dict__ for size, cost in costs.items()}}


def at_once(server: Server, options: argparse.Namespace) -> Part:
    """Measure one coordinator of a thousand workers."""
    workers, trials = (20, 100) if options.quick else (1_000, 100_000)
    stages = virtual(workers, trials)
    rows = [
        row(f"{workers:,} workers, up to {stage.trials:,} trials: CPU of a trial, ms", figure([stage.ms]), None, 1)
        for stage in stages
    ]
    grown = stages[-1].ms / stages[0].ms
    most = max(stage.ms for stage in stages)
    rows.append(
        {"what": "trials a minute that one core claims and records", "ours": f"{60_000 / most:,.0f}", "stock": ""}
    )
    target = Target(f"CPU of a trial, last tenth of {trials:,} by the first", grown, 1.5, at_most=True)
    return rows, [target], {"virtual": [stage.__dict__ for stage in stages]}


def row(what: str, ours: Figure, stock: Figure | None, digits: int) -> Row:
    """A line of the table; a single value is shown without extremes."""

    def text(value: Figure | None) -> str:
        if value is None:
            return ""
        return value.text(digits) if len(value.values) > 1 else f"{value.median:,.{digits}f}"

    return {"what": what, "ours": text(ours), "stock": text(stock)}


MEASURES: dict[str, Callable[[Server, argparse.Namespace], Part]] = dict(
    zip(PARTS, (cost, claims, efficient, growth, at_once), strict=True)
)


def main() -> None:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    parser = arguments("scale", __doc__.splitlines()[0], repeats=3)
    parser.add_argument("--parts", help="which of them, with commas between (default all but virtual)")
    options = parser.parse_args()
    options.repeats = 1 if options.quick else options.repeats
    rows: list[Row] = []
    targets: list[Target] = []
    measured: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        server_folder = Path(folder) / "postgresql"
        server_folder.mkdir()
        with started(server_folder) as server:
            for part in chosen(options):
                more_rows, more_targets, figures = MEASURES[part](server, options)
                rows, targets, measured = rows + more_rows, targets + more_targets, measured | figures
    finish(options, "Many coordinators, and many workers, of one study", rows, targets, measured)


def chosen(options: argparse.Namespace) -> Sequence[str]:
    """The parts that are asked for; those of the virtual clock take half an hour."""
    if options.parts is None:
        return PARTS if options.quick else PARTS[:-1]
    names: list[str] = options.parts.split(",")
    if unknown := [name for name in names if name not in PARTS]:
        raise SystemExit(f"--parts: unknown part {unknown[0]!r}; choose from {', '.join(PARTS)}")
    return names


def started(folder: Path) -> Any:
    """A PostgreSQL server in `folder`."""
    try:
        return postgresql(folder)
    except pytest.skip.Exception as error:
        raise SystemExit(f"{error}; on Debian and Ubuntu: apt-get install postgresql") from error


if __name__ == "__main__":
    main()
