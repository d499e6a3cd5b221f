"""Strategies of `hpo run` and other packages' searches on recorded learning curves, in virtual time.

Every entrant proposes points of the space of a table and sees none of its rows; see search_spaces.py. Counted are the
epochs of all trials until one has ended whose regret is small enough: the part that is left of the way from the median
final loss of the table to its best. A search ends at a regret of 0.001 or after `--cap` epochs. Every run is kept in a
journal beside the JSON as soon as it is done; what is there is not run again, unless the code that decides it changed.
"""

import argparse
import os
from pathlib import Path

import search_entrants
import search_figure
import search_syne_tune
from harness import arguments, finish, target_file
from search_made_up import MADE_UP, made_up_tables
from search_report import Report
from search_runs import Comparison, Journal, do
from search_tables import load_tables

SHARED = Path(__file__).resolve().parents[2] / "shared" / "curves"
CAP = 4_000  # the median search of Optuna's TPE with its median pruner is at 1 % by then, on five of the shared tables
QUICK = {"seeds": 1, "cap": 30, "workers": [1, 2]}


def main() -> None:
    options = parsed()
    comparison, out = compared(options), target_file(options)
    journal = Journal(out.with_suffix(".runs.jsonl"))
    for runs in comparison.parts():
        if do(runs, journal, options.jobs) and not options.quick:
            report(options, comparison, journal)
    report(options, comparison, journal)
    if options.figure:
        search_figure.draw(comparison, journal, options.figure)


def parsed() -> argparse.Namespace:
    """Return what the command line asks for."""
    parser = arguments("search", __doc__.splitlines()[0])
    where = f"the folder of tables, or {MADE_UP} (default {SHARED}, for a smoke run {MADE_UP})"
    parser.add_argument("--curves", type=Path, help=where)
    parser.add_argument("--seeds", type=int, default=30, help="searches of each table (default 30)")
    parser.add_argument("--workers", type=_numbers, default=[1, 4], help="how many at once, such as 1,4,16")
    parser.add_argument("--strategies", type=_names, help="such as rungs,rungs+random,optuna_tpe (default all)")
    parser.add_argument(
        "--syne-tune", metavar="PYTHON", help="compare with Syne Tune, of the environment of this Python"
    )
    parser.add_argument("--cap", type=int, default=CAP, help=f"epochs after which a search is given up (default {CAP})")
    parser.add_argument("--jobs", type=int, default=1, help="searches at a time, each on a core of its own (default 1)")
    parser.add_argument("--figure", type=Path, help="an SVG to draw: regret over epochs, with the fewest workers")
    parser.add_argument("--json", type=Path, dest="out", help="the JSON to write, as --out")
    options = parser.parse_args()
    if options.syne_tune:
        os.environ[search_syne_tune.PYTHON] = options.syne_tune
    if options.quick:
        for name, value in QUICK.items():
            setattr(options, name, value)
    return options


def compared(options: argparse.Namespace) -> Comparison:
    """Return the comparison that is asked for."""
    folder = options.curves or (Path(MADE_UP) if options.quick else SHARED)
    tables = made_up_tables() if str(folder) == MADE_UP else load_tables(folder)
    entrants = options.strategies or search_entrants.known()
    search_entrants.check(entrants)
    return Comparison(entrants, tables[:1] if options.quick else tables, options.seeds, options.workers, options.cap)


def report(options: argparse.Namespace, comparison: Comparison, journal: Journal) -> None:
    """Write table and JSON of the runs that are done."""
    known = Report(comparison, journal)
    title = (
        f"Epochs until the regret is so small, geometric means of {len(comparison.tables)} tables of the medians over "
        f"seeds (95 % intervals), {comparison.cap:,} at most"
    )
    finish(options, title, known.rows(), known.targets(), {}, **known.to_json())


def _numbers(text: str) -> list[int]:
    return [int(part) for part in text.split(",")]


def _names(text: str) -> list[str]:
    return [part.strip() for part in text.split(",")]


if __name__ == "__main__":
    main()
