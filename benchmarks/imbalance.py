"""Remedies for imbalance on a long-tailed CIFAR-10.

Weights, sampling and focal loss against plain cross-entropy.

The classes have from 1000 down to 20 training images, 1 : 50, their sizes falling exponentially (Cui et al. 2019,
arXiv:1901.05555, section 5); the validation images are the same number of each class, so that accuracy on them is
balanced accuracy. Every remedy trains the same model for as many epochs from the same seeds; what is compared is the
last epoch, so that no remedy gains by the choice of an epoch. Stopped, it goes on with the run it was at.

    python benchmarks/imbalance.py --data DIR    # holds cifar10_jpegs.tar.xz, or its content {train,test}/<class>/
"""

import argparse
import json
import statistics
import sys
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from harness import Figure, Target, arguments, figure, finish, target_file
from hpo.training.config import TrialConfig
from hpo.training.data.prepare import prepare
from hpo.training.report import TrainResult
from hpo.training.train import train

ARCHIVE = "cifar10_jpegs.tar.xz"
CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
METRIC = "val_balanced_accuracy"  # accuracy would reward a model that forgets the tail
TAIL = 50  # the largest class by the smallest, as in the experiments of Cui et al.
# what a line of the diary must have in common with a run to stand for it
SETTINGS = ("epochs", "largest", "val", "image_size", "width", "batch_size")

REMEDIES: dict[str, dict[str, Any]] = {
    "plain": {},
    "loss.class_weights: inverse": {"loss": {"class_weights": "inverse"}},
    "loss.class_weights: effective": {"loss": {"class_weights": "effective"}},
    "loss.kind: focal": {"loss": {"kind": "focal"}},
    "focal and effective": {"loss": {"kind": "focal", "class_weights": "effective"}},
    "sampling.method: weighted": {"sampling": {"method": "weighted"}},
    "sampling.method: weighted, balance: 0.5": {"sampling": {"method": "weighted", "balance": 0.5}},
    "sampling.method: undersample": {"sampling": {"method": "undersample"}},
}


def sizes(largest: int) -> dict[str, int]:
    """Return the training images of each class.

    `largest` of the first and a fiftieth of it of the last.
    """
    last = len(CLASSES) - 1
    return {name: round(largest * TAIL ** (-rank / last)) for rank, name in enumerate(CLASSES)}


def long_tailed(source: Path, target: Path, largest: int, val: int) -> Path:
    """Make a folder with train/, val/ and test/.

    train/ is long-tailed, val/ has `val` images of each class, test/ ten of each, not used here.
    """
    wanted = {
        **{("train", name): range(count) for name, count in sizes(largest).items()},
        **{("test", name): range(val + 10) for name in CLASSES},
    }
    counts = dict.fromkeys(wanted, 0)
    for (part, name), number, content in images(source):
        if number not in wanted[part, name]:
            continue
        folder = part if part == "train" else "val" if number < val else "test"
        path = target / folder / name / f"{number:05d}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        counts[part, name] += 1
    missing = [f"{part}/{name}" for (part, name), numbers in wanted.items() if counts[part, name] < len(numbers)]
    if missing:
        print(f"{source}: too few images in {', '.join(missing)}", file=sys.stderr)
        raise SystemExit(2)
    return target


def images(source: Path) -> Iterator[tuple[tuple[str, str], int, bytes]]:
    """Yield every image of the archive or folder.

    As ((split, class), number within it in the order of names, bytes).
    """
    count: dict[tuple[str, str], int] = {}
    for name, content in _files(source):
        part, label = Path(name).parts[-3:-1]
        number = count.setdefault((part, label), 0)
        count[part, label] += 1
        yield (part, label), number, content


def _files(source: Path) -> Iterator[tuple[str, bytes]]:
    if (source / ARCHIVE).is_file():
        with tarfile.open(source / ARCHIVE) as archive:
            for member in archive:
                file = archive.extractfile(member) if member.name.endswith(".jpg") else None
                if file is not None:
                    yield member.name, file.read()
        return
    paths = sorted(source.glob("t*/*/*.jpg"))
    if not paths:
        print(f"{source} holds neither {ARCHIVE} nor train/ and test/ with class folders", file=sys.stderr)
        raise SystemExit(2)
    for path in paths:
        yield str(path), path.read_bytes()


def configuration(folder: Path, sections: Mapping[str, Any], options: argparse.Namespace, seed: int) -> TrialConfig:
    """Return the configuration of a run with one remedy.

    `sections` are the remedy's; everything else is the same in all.
    """
    return TrialConfig.model_validate(
        {
            "objective": {"metric": METRIC},
            "metrics": ["val_macro_f1"],
            "data": {"source": str(folder), "batch_size": options.batch_size, "image_size": options.image_size},
            "augment": {"crop_padding": options.image_size // 8, "flip": True},
            "model": {"name": "simple_cnn", "width": options.width},
            "optimizer": {"name": "adamw", "lr": 2e-3, "weight_decay": 0.05},
            "schedule": {"name": "one_cycle"},
            "budget": {"epochs": options.epochs},
            "seed": seed,
            **sections,
        }
    )


def last_epoch(config: TrialConfig, cache: Path, directory: Path) -> Mapping[str, float]:
    """Train, and return the metrics of the last epoch."""
    pack = prepare(config.data, cache=cache)
    *_, result = train(config, pack=pack.path, directory=directory)
    assert isinstance(result, TrainResult)
    return result.history[-1].metrics


def row(name: str, runs: list[Mapping[str, float]], plain: list[Mapping[str, float]]) -> dict[str, str]:
    """Return a line of the table."""
    return {
        "remedy": name,
        "balanced accuracy": figure([run[METRIC] for run in runs]).text(3),
        "gain over plain": "" if runs is plain else f"{gain(runs, plain).median:+.3f} ({_range(gain(runs, plain))})",
        "macro F1": figure([run["val_macro_f1"] for run in runs]).text(3),
    }


def _range(gained: Figure) -> str:
    return f"{gained.low:+.3f} to {gained.high:+.3f}"


def gain(runs: list[Mapping[str, float]], plain: list[Mapping[str, float]]) -> Figure:
    """Return what a remedy gains, seed by seed."""
    return figure([run[METRIC] - baseline[METRIC] for run, baseline in zip(runs, plain, strict=True)])


def noise(runs: list[Mapping[str, float]]) -> float:
    """Return the metric's standard deviation over seeds.

    0 for a single one.
    """
    return statistics.stdev([run[METRIC] for run in runs]) if len(runs) > 1 else 0.0


def main() -> None:
    parser = arguments("imbalance", __doc__.splitlines()[0], repeats=3)
    parser.add_argument("--data", type=Path, required=True, help=f"the folder of {ARCHIVE}, or of its content")
    parser.add_argument("--epochs", type=int, default=15, help="epochs of a run (default 15)")
    parser.add_argument("--largest", type=int, default=1000, help="images of the largest class (default 1000)")
    parser.add_argument("--val", type=int, default=300, help="validation images of each class (default 300)")
    parser.add_argument("--image-size", type=int, default=32, help="pixels a side (default 32)")
    parser.add_argument("--width", type=int, default=32, help="of the network (default 32)")
    parser.add_argument("--batch-size", type=int, default=64, help="images of a step (default 64)")
    options = parser.parse_args()
    if options.quick:
        options.repeats, options.epochs, options.largest, options.val = 1, 1, 100, 10
        options.image_size, options.width = 16, 8
    torch.set_num_threads(1)  # two runs beside each other are faster than one with two threads
    with tempfile.TemporaryDirectory() as scratch:
        runs = measure(options, Path(scratch))
    diary(options).unlink()
    plain = runs["plain"]
    rows = [row(name, remedy, plain) for name, remedy in runs.items()]
    best = {"a weight": "class_weights", "a sampling": "sampling", "focal loss with weights": "focal and"}
    targets = [
        Target(f"{what}: gain over plain in standard deviations of its seeds", _sigmas(runs, word), 2.0)
        for what, word in best.items()
        if options.repeats > 1
    ]
    count = sum(sizes(options.largest).values())
    images = f"Long-tailed CIFAR-10, 1 : {TAIL}, {count:,} images of {options.image_size} pixels a side"
    title = f"{images}, simple_cnn of width {options.width}, {options.epochs} epochs"
    finish(options, f"{title}, {options.repeats} seeds, medians (min-max)", rows, targets, {"runs": runs})


def diary(options: argparse.Namespace) -> Path:
    """Return the path of the diary: one line per finished run.

    It is kept until all are done.
    """
    return target_file(options).with_suffix(".runs.jsonl")


def measure(options: argparse.Namespace, scratch: Path) -> dict[str, list[Mapping[str, float]]]:
    """Train every remedy with every seed; return their last epochs.

    Remedies take turns, so that all have as many when it is cut.
    """
    lines = diary(options)
    done = {
        tuple(key): metrics
        for key, metrics in map(json.loads, lines.read_text().splitlines() if lines.exists() else ())
    }
    folder = long_tailed(options.data, scratch / "cifar10-long-tailed", options.largest, options.val)
    runs: dict[str, list[Mapping[str, float]]] = {name: [] for name in REMEDIES}
    for seed in range(options.repeats):
        for number, (name, sections) in enumerate(REMEDIES.items()):
            key = (name, seed, *(getattr(options, setting) for setting in SETTINGS))
            if key not in done:
                config = configuration(folder, sections, options, seed)
                done[key] = last_epoch(config, scratch / "cache", scratch / f"{seed}-{number}")
                with lines.open("a") as file:
                    print(json.dumps((key, dict(done[key]))), file=file)
            runs[name].append(done[key])
            print(f"seed {seed}  {name}: {runs[name][-1][METRIC]:.3f}", flush=True)
    return runs


def _sigmas(runs: Mapping[str, list[Mapping[str, float]]], word: str) -> float:
    """Return the largest mean gain of remedies named `word`, in sigmas.

    By the noise of plain and its own.
    """
    plain = runs["plain"]
    sigmas = []
    for name, remedy in runs.items():
        if word in name:
            gained = statistics.mean(run[METRIC] for run in remedy) - statistics.mean(run[METRIC] for run in plain)
            sigmas.append(gained / max(1e-9, (noise(plain) ** 2 + noise(remedy) ** 2) ** 0.5))
    return max(sigmas)


if __name__ == "__main__":
    main()
