"""Learning curves of random configurations, recorded with the project's own training.

The ground on which strategies are compared: the spaces on small images of four data sets, every configuration trained
to the end, nothing pruned, one thread. A configuration is drawn by `--sampler random` from its number, and its curve
follows from it alone. Each is appended to its table's journal as soon as it is done, so that a kill costs one; the
tables take turns by the time that was spent on each. `--collect` writes the journals to benchmarks/curves.
"""

import argparse
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import optuna
import torch
from curve_journal import Journal, Recorded, arrays
from curve_tables import ARCHIVES, CURVES, EPOCHS, TABLES, WORK, Table, open_journal, pack_of
from curve_training import record
from hpo.training.data.pack import Pack
from scipy.stats import spearmanr


def fill(tables: Sequence[Table], journals: Sequence[Journal], packs: Sequence[Pack], count: int) -> None:
    """Record until every table has `count` configurations, next where the least time was spent."""
    missing = [n for n, journal in enumerate(journals) if len(journal.recorded) < count]
    while missing:
        turn = min(missing, key=lambda n: journals[n].seconds)
        table, journal = tables[turn], journals[turn]
        recorded = record(table.space(), journal.next_number, packs[turn])
        journal.add(recorded)
        final = recorded.valid_accuracy[-1]
        print(f"{table.name} {recorded.number}: {final:.4f} after {recorded.seconds:.1f} s of CPU", flush=True)
        missing = [n for n in missing if len(journals[n].recorded) < count]


def collect(table: Table, journal: Journal, folder: Path) -> Path:
    """Write the npz of a table."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{table.name}.npz"
    np.savez_compressed(path, **arrays(table.space(), journal.recorded, table.setting()))
    return path


def foretold(recorded: Sequence[Recorded], epoch: int) -> float:
    """Return Spearman's correlation of the accuracy after `epoch` with the last one, of trainings that went well."""
    curves = np.array([each.valid_accuracy for each in recorded])
    curves = curves[np.isfinite(curves).all(axis=1)]
    return float(spearmanr(curves[:, epoch], curves[:, -1]).statistic)


def main() -> None:
    options = arguments()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    # a curve must not depend on how many cores there are: sums are taken in the order of the threads
    torch.set_num_threads(1)
    if options.quick:
        with tempfile.TemporaryDirectory() as folder:
            options.work = Path(folder)
            run([TABLES["simple_cnn_digits"]], options, 2, Path(folder) / "curves")
        return
    run([TABLES[name] for name in options.only], options, options.configurations, options.curves)


def run(tables: Sequence[Table], options: argparse.Namespace, count: int, curves: Path) -> None:
    """Record what is missing, unless only to collect, and write the tables where asked to."""
    journals = [
        open_journal(table, options.work / f"{table.name}.jsonl", curves / f"{table.name}.npz") for table in tables
    ]
    if not options.collect:
        packs = [pack_of(table, options.work, options.archives) for table in tables]
        fill(tables, journals, packs, count)
    for table, journal in zip(tables, journals, strict=True):
        if journal.recorded and (options.collect or options.quick):
            path = collect(table, journal, curves)
            told = ", ".join(f"{foretold(journal.recorded, epoch):.2f} after {epoch}" for epoch in (1, 3))
            print(f"{os.path.relpath(path)}: {len(journal.recorded)} configurations of {EPOCHS} epochs")
            print(f"  rank correlation of the accuracy with that after the last epoch: {told}")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="record.py", description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=sorted(TABLES), default=list(TABLES), metavar="TABLE")
    parser.add_argument("--configurations", type=int, default=300, help="of every table (default 300)")
    parser.add_argument("--collect", action="store_true", help="record nothing: write what there is to --curves")
    parser.add_argument("--curves", type=Path, default=CURVES, help="the folder of the tables")
    parser.add_argument("--work", type=Path, default=WORK, help="the folder of journals, images and packs")
    parser.add_argument("--archives", type=Path, default=ARCHIVES, help="where signdigits and CIFAR-10 lie")
    parser.add_argument("--quick", action="store_true", help="two configurations on digits, kept nowhere")
    return parser.parse_args()


if __name__ == "__main__":
    main()
