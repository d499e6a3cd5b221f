"""How well cheap trainings rank configurations: the correlation of ranks with the whole training.

Of random configurations, those of benchmarks/curves first. Cheap are the first epochs of the whole training, which a
trial that pauses at a rung has behind it; a training of as few epochs whose schedule ends with them; the whole schedule
on fewer images, or on smaller ones. Accuracies on the validation images throughout; a training that diverged is worse
than any other. Every training is appended to a journal, and those that are there are not run again.
"""

import argparse
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
import optuna
import torch
from curve_journal import Journal
from curve_tables import ARCHIVES, CURVES, EPOCHS, TABLES, WORK, Table, open_journal, pack_of
from curve_training import record
from harness import arguments, finish
from numpy.typing import NDArray
from scipy.stats import rankdata

RUNGS = (1, 4)
NAMES = ("simple_cnn_digits", "resnet_digits", "wide_cnn_fashion_mnist")
BOOTSTRAPS = 2000
WHOLE = f"a schedule of {EPOCHS}"
Values = NDArray[np.float64]
Journals = dict[tuple[str, str], Journal]  # by table and name of the training


@dataclass(frozen=True)
class Cheap:
    """A cheaper training of the configurations of a table."""

    name: str
    table: Table

    @property
    def journal(self) -> str:
        """The name of its journal."""
        changes = "".join(f"_{key}_{value}" for key, value in self.table.changes)
        return f"{self.table.name}_{self.table.epochs}_epochs{changes}.jsonl"


def whole(table: Table) -> Sequence[Cheap]:
    """Return the training that the others are compared with."""
    return [Cheap(WHOLE, table)]


def shorter(table: Table) -> Sequence[Cheap]:
    """Return the trainings of a table's configurations whose schedule ends at a rung."""
    return [Cheap(f"a schedule of {epochs}", Table(table.space_name, table.data, epochs)) for epochs in RUNGS]


def smaller(table: Table) -> Sequence[Cheap]:
    """Return the whole trainings on fewer images, and on smaller ones where the table's are not the smallest."""
    settings = table.settings()
    changes = {"a quarter of the images": ("max_train", settings["max_train"] // 4)}
    if side := settings.get("image_size", 0) * 2 // 3:
        changes[f"{side} pixels a side"] = ("image_size", side)
    return [Cheap(name, Table(table.space_name, table.data, changes=(change,))) for name, change in changes.items()]


def worth(accuracies: Values) -> Values:
    """Return accuracies with the worst possible one for a training that diverged."""
    return np.nan_to_num(accuracies, nan=-1.0)


def agreement(cheap: Values, whole: Values) -> dict[str, float]:
    """Return how well [N] values of cheap trainings agree with those of the whole ones.

    Spearman's correlation with its 95 % bootstrap interval over configurations, and the share of the whole's best
    quarter that is in the cheap one's best quarter.
    """
    draws = np.random.default_rng(0).integers(0, len(whole), (BOOTSTRAPS, len(whole)))
    low, high = np.percentile(correlation(cheap[draws], whole[draws]), [2.5, 97.5])
    best = max(1, len(whole) // 4)
    both = np.intersect1d(np.argsort(-cheap, kind="stable")[:best], np.argsort(-whole, kind="stable")[:best])
    spearman = float(correlation(cheap[None], whole[None])[0])
    return {"spearman": spearman, "low": float(low), "high": float(high), "best_quarter": len(both) / best}


def correlation(cheap: Values, whole: Values) -> Values:
    """Return Spearman's correlation of each row of [B, N] values, 0 where one of the two is constant."""
    ranks = [rankdata(values, axis=1) for values in (cheap, whole)]
    first, second = (values - values.mean(axis=1, keepdims=True) for values in ranks)
    scale = np.sqrt((first**2).sum(axis=1) * (second**2).sum(axis=1))
    return np.divide((first * second).sum(axis=1), scale, out=np.zeros(len(scale)), where=scale > 0)


def fill(names: Sequence[str], count: int, options: argparse.Namespace) -> Journals:
    """Train what is missing, shorter trainings first; return the journals."""
    journals: Journals = {}
    for kinds in ((whole, shorter), (smaller,)):
        plan = [(name, cheap) for name in names for kind in kinds for cheap in kind(TABLES[name])]
        for name, cheap in plan:
            kept = options.curves / f"{name}.npz"
            journals[name, cheap.name] = open_journal(cheap.table, options.work / "fidelity" / cheap.journal, kept)
        for number, (name, cheap) in product(range(0 if options.collect else count), plan):
            journal = journals[name, cheap.name]
            if journal.next_number == number:
                pack = pack_of(cheap.table, options.work, options.archives)
                journal.add(record(cheap.table.space(), number, pack))
                print(f"{name} {number}: {cheap.name}: {journal.recorded[-1].valid_accuracy[-1]:.4f}", flush=True)
    return journals


def compare(name: str, journals: Journals) -> list[dict[str, object]]:
    """Return the agreement of every cheap training of a table, over the configurations that were trained so.

    The first epochs of the whole training are over those of the shorter schedules.
    """
    own = {cheap: journal.recorded for (table, cheap), journal in journals.items() if table == name}
    long = own.pop(WHOLE)
    accuracies = worth(np.array([each.valid_accuracy for each in long]))
    both = min(len(long), *(len(own[cheap.name]) for cheap in shorter(TABLES[name])))
    parts = {f"the first {epochs} of {EPOCHS}": (accuracies[:both, epochs], epochs / EPOCHS) for epochs in RUNGS}
    for cheap, recorded in own.items():
        pairs = list(zip(recorded, long, strict=False))
        cost = sum(each.seconds for each, _ in pairs) / sum(each.seconds for _, each in pairs)
        parts[cheap] = worth(np.array([each.valid_accuracy[-1] for each, _ in pairs])), cost
    return [
        {"table": name, "training": part, "configurations": len(values), "cost": cost}
        | agreement(values, accuracies[: len(values), -1])
        for part, (values, cost) in parts.items()
    ]


def row(measured: Mapping[str, object]) -> dict[str, str]:
    """Return a line of the table."""
    return {
        "table": str(measured["table"]),
        "configurations": str(measured["configurations"]),
        "training": str(measured["training"]),
        "of the whole's time": f"{measured['cost']:.2f}",
        "rank correlation": "{spearman:.2f} ({low:.2f}-{high:.2f})".format(**measured),
        "of the best quarter": f"{measured['best_quarter']:.2f}",
    }


def main() -> None:
    parser = arguments("fidelity", __doc__.splitlines()[0], repeats=1)
    parser.add_argument("--configurations", type=int, default=36, help="the first of every table (default 36)")
    parser.add_argument("--collect", action="store_true", help="train nothing: compare what there is")
    parser.add_argument("--work", type=Path, default=WORK, help="the folder of journals, images and packs")
    parser.add_argument("--archives", type=Path, default=ARCHIVES, help="where signdigits and CIFAR-10 lie")
    parser.add_argument("--curves", type=Path, default=CURVES, help="the folder of the recorded tables")
    options = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    torch.set_num_threads(1)
    names = ("resnet_digits",) if options.quick else NAMES
    with tempfile.TemporaryDirectory() as folder:
        if options.quick:
            options.work, options.configurations = Path(folder), 2
        journals = fill(names, options.configurations, options)
    measured = [part for name in names for part in compare(name, journals)]
    title = f"How cheap trainings rank configurations, against the whole training of {EPOCHS} epochs"
    finish(options, title, [row(each) for each in measured], [], {"agreement": measured})


if __name__ == "__main__":
    main()
