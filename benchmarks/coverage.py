"""How honest the numbers after a search are: whether their intervals hold the truth, and how much too good they are.

Small studies, each on a fresh draw of images from a large pool: searched, its best trials raced on fresh seeds, the
winner retrained and tested on the study's own small test split, all by hpo's commands. The truth is the accuracy on
many other images of the pool: of the exported model itself, and of a configuration the mean over models that are
trained with it on training images alone, with seeds and validation splits that neither search nor race has used.
A study is a line of a diary beside the result; stopped, the script goes on with the next one.
"""

import argparse
import gzip
import json
import math
import statistics
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import getitem
from pathlib import Path
from typing import Any

import hpo
import numpy as np
import torch
from harness import FASHION_MNIST, Target, arguments, finish, target_file
from hpo.common.interval import around, wilson
from hpo.training.checkpoints.files import BEST
from hpo.training.config import TrialConfig
from hpo.training.data.prepare import prepare
from hpo.training.export.classifier import Classifier
from hpo.training.export.race import RaceEntry
from hpo.training.train import train
from hpo.training.trained.folder import Trained
from hpo.training.trained.model import open_trained
from PIL import Image
from scipy.special import stdtrit
from sklearn.datasets import load_digits

FRACTION = 0.2  # of a study's images for validation, and for the test
TRUTH = 10_000  # other images that the truth is measured on; its own standard error is 0.004 at 0.85
# what a line of the diary must have in common with a run to stand for it
SETTINGS = ("images", "trials", "epochs", "candidates", "seeds", "models", "width")

Images = np.ndarray
Study = Mapping[str, Any]


@dataclass(frozen=True)
class Pool:
    """Images uint8 [N, side, side] and labels [N] of a data set as a whole."""

    name: str
    images: Images
    labels: np.ndarray

    def rows(self, rows: np.ndarray) -> "Pool":
        """Return the pool of some rows."""
        return Pool(self.name, self.images[rows], self.labels[rows])


def pool() -> Pool:
    """Return Fashion-MNIST, training and test images, where it is installed, else the digits."""
    if not FASHION_MNIST.is_dir():
        digits = load_digits()
        return Pool("the digits", np.rint(digits.images * (255 / 16)).astype(np.uint8), digits.target)

    def read(name: str, offset: int) -> np.ndarray:
        with gzip.open(FASHION_MNIST / f"{name}.gz") as file:
            return np.frombuffer(file.read(), np.uint8, offset=offset)

    # the head of an idx file: 16 bytes for images, 8 for labels
    images = np.concatenate([read(f"{part}-images-idx3-ubyte", 16) for part in ("train", "t10k")])
    labels = np.concatenate([read(f"{part}-labels-idx1-ubyte", 8) for part in ("train", "t10k")])
    return Pool("Fashion-MNIST", images.reshape(-1, 28, 28), labels.astype(np.int64))


def run_study(number: int, whole: Pool, options: argparse.Namespace, scratch: Path) -> Study:
    """Search, race, retrain and test on a draw of the pool; measure the truth on others."""
    order = np.random.default_rng(number).permutation(len(whole.labels))
    write(whole.rows(order[: options.images]), scratch / "images")
    truth = whole.rows(order[options.images : options.images + TRUTH])
    configs, retrained = after_search(number, options, scratch)
    manifest = retrained.manifest
    assert manifest.selection is not None
    assert manifest.selection.race is not None
    race = manifest.selection.race
    export = open_trained(Trained.describe(retrained.export_dir))

    def entry(raced: RaceEntry) -> dict[str, Any]:
        config = configs[raced.trial]
        seeds = range(1000 * (number + 1), 1000 * (number + 1) + options.models)  # a study's own: luck must average out
        accuracies = [fresh_accuracy(config, seed, truth, scratch) for seed in seeds]
        interval = around(raced.selected, round(FRACTION * options.images))
        return {**raced.model_dump(), "selected_interval": interval, "truth": statistics.mean(accuracies)}

    best = entry(race.entries[0])
    return {
        "test_accuracy": manifest.metrics.test_accuracy,
        "test_interval": manifest.metrics.test_interval,
        "truth": accuracy(lambda images: export.logits(images[..., None]), truth),
        "best": best,
        "winner": best if race.winner is race.entries[0] else entry(race.winner),
    }


def after_search(
    number: int, options: argparse.Namespace, scratch: Path
) -> tuple[dict[int, TrialConfig], hpo.RetrainResult]:
    """Search on scratch/images, race, retrain and test; return the trials' configurations and the winner."""
    common: dict[str, Any] = {"home": scratch / "runs", "tracking_uri": "none", "device": "cpu"}
    settings = {
        "data.val_fraction": FRACTION,
        "data.test_fraction": FRACTION,
        "data.batch_size": 32,  # as many steps as so few images allow
        "model.width": options.width,
    }
    result = hpo.run(
        space="simple_cnn",
        trials=options.trials,
        epochs=options.epochs,
        data=str(scratch / "images"),
        seed=number,
        overrides=[f"{key}={value}" for key, value in settings.items()],
        executor="inline",
        **common,
    )
    configs = {trial.number: TrialConfig.model_validate_json(trial.config) for trial in result.study.trials}
    return configs, hpo.retrain_best(candidates=options.candidates, seeds=options.seeds, **common)


def write(images: Pool, folder: Path) -> None:
    """Write a folder of class folders, without a split."""
    for number, (pixels, label) in enumerate(zip(images.images, images.labels, strict=True)):
        path = folder / str(label) / f"{number:04d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)


def fresh_accuracy(config: TrialConfig, seed: int, truth: Pool, scratch: Path) -> float:
    """Train a configuration on a split of its own, as a trial is; return its accuracy on other images of the pool."""
    # those of the race are drawn from 2^31, so that so small a number is hardly among them
    data = config.data.model_copy(update={"val_seed": seed})
    fresh = config.model_copy(update={"data": data, "seed": seed})
    pack = prepare(data, cache=scratch / "cache")
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        list(train(fresh, pack=pack.path, directory=Path(folder)))
        classifier = Classifier.from_checkpoint(Path(folder) / BEST, fresh, pack)

    def answer(images: Images) -> Images:
        with torch.inference_mode():
            logits: Images = classifier(torch.from_numpy(images[:, None])).numpy()
            return logits

    return accuracy(answer, truth)


def accuracy(answer: Callable[[Images], Images], truth: Pool) -> float:
    """Return the share of right answers, in portions that fit into memory."""
    portions = np.array_split(np.arange(len(truth.labels)), max(1, len(truth.labels) // 500))
    right = [answer(truth.images[rows]).argmax(axis=1) == truth.labels[rows] for rows in portions]
    return float(np.concatenate(right).mean())


def measure(options: argparse.Namespace) -> list[Study]:
    """Return the studies, those of the diary and what is missing."""
    lines, whole = diary(options), pool()
    setting = {name: getattr(options, name) for name in SETTINGS} | {"pool": whole.name}
    written = map(json.loads, lines.read_text().splitlines() if lines.exists() else ())
    done = {line["number"]: line["study"] for line in written if line["setting"] == setting}
    for number in range(options.repeats):
        if number not in done:
            with tempfile.TemporaryDirectory() as scratch:
                done[number] = run_study(number, whole, options, Path(scratch))
            with lines.open("a") as file:
                print(json.dumps({"number": number, "setting": setting, "study": done[number]}), file=file)
        print(
            f"study {number}: test {done[number]['test_accuracy']:.3f}, truth {done[number]['truth']:.3f}", flush=True
        )
    return [done[number] for number in range(options.repeats)]


def diary(options: argparse.Namespace) -> Path:
    """Return the path of the diary; it is kept until all studies are done."""
    return target_file(options).with_suffix(".runs.jsonl")


@dataclass(frozen=True)
class Claim:
    """A number of each study with its interval, and the truth that it stands for."""

    name: str
    values: Sequence[float]
    intervals: Sequence[Sequence[float]]
    truths: Sequence[float]
    predicted: Sequence[float] = ()  # how much too good it is by the race, where that says anything

    @property
    def held(self) -> int:
        """In how many studies the interval holds the truth."""
        pairs = zip(self.intervals, self.truths, strict=True)
        return sum(low <= truth <= high for (low, high), truth in pairs)

    @property
    def optimism(self) -> list[float]:
        """By how much it is too good in each study."""
        return [value - truth for value, truth in zip(self.values, self.truths, strict=True)]

    def row(self) -> dict[str, str]:
        """Return a line of the table."""
        low, high = wilson(self.held, len(self.truths))
        return {
            "number": self.name,
            "95 % interval holds the truth": f"{self.held} of {len(self.truths)} ({low:.2f} to {high:.2f})",
            "mean width": f"{statistics.mean(high - low for low, high in self.intervals):.3f}",
            "too good by": with_interval(self.optimism),
            "by the race": with_interval(self.predicted) if self.predicted else "",
        }


def claims(studies: Sequence[Study]) -> list[Claim]:
    """Return what hpo says after a search, against the truth."""

    def column(*keys: str) -> list[Any]:
        return [reduce(getitem, keys, study) for study in studies]

    return [
        Claim(
            "selected value of the best trial",
            column("best", "selected"),
            column("best", "selected_interval"),
            column("best", "truth"),
            column("best", "optimism"),
        ),
        Claim(
            "fresh mean of the race's winner",
            column("winner", "mean"),
            column("winner", "interval"),
            column("winner", "truth"),
        ),
        Claim("test accuracy of the export", column("test_accuracy"), column("test_interval"), column("truth")),
    ]


def with_interval(values: Sequence[float]) -> str:
    """Return the mean with its 95 % interval, by Student's t."""
    mean = statistics.mean(values)
    half = float(stdtrit(len(values) - 1, 0.975)) * standard_error(values)
    return f"{mean:+.4f} ({mean - half:+.4f} to {mean + half:+.4f})"


def standard_error(values: Sequence[float]) -> float:
    """Return the standard error of the mean of two values or more."""
    return statistics.stdev(values) / math.sqrt(len(values))


def main() -> None:
    parser = arguments("coverage", __doc__ or "", repeats=20)
    parser.add_argument("--images", type=int, default=500, help="of a study, all splits together (default 500)")
    parser.add_argument("--trials", type=int, default=8, help="of a search (default 8)")
    parser.add_argument("--epochs", type=int, default=6, help="of a trial (default 6)")
    parser.add_argument("--candidates", type=int, default=3, help="of a race (default 3)")
    parser.add_argument("--seeds", type=int, default=5, help="of a race (default 5)")
    parser.add_argument("--models", type=int, default=2, help="that are the truth of a configuration (default 2)")
    parser.add_argument("--width", type=int, default=8, help="of the network (default 8)")
    options = parser.parse_args()
    if options.quick:
        options.repeats, options.images, options.trials, options.epochs = 2, 200, 2, 1
        options.candidates, options.seeds, options.models = 2, 2, 1
    torch.set_num_threads(1)
    studies = measure(options)
    best, fresh, tested = found = claims(studies)
    missed = [shown - predicted for shown, predicted in zip(best.optimism, best.predicted, strict=True)]
    targets = [
        Target("share of test intervals that hold the truth", tested.held / len(studies), 0.95),
        Target("share of the race's intervals that hold the truth", fresh.held / len(studies), 0.95),
        Target(
            "selection's optimism by the race against the truth, in standard errors",
            abs(statistics.mean(missed)) / max(1e-9, standard_error(missed)),
            2.0,
            at_most=True,
        ),
    ]
    title = (
        f"{len(studies)} studies of {options.images} images each of {pool().name}: {options.trials} trials of "
        f"{options.epochs} epochs of simple_cnn, {options.candidates} candidates raced over {options.seeds} seeds"
    )
    finish(options, title, [claim.row() for claim in found], targets, {"studies": studies})
    diary(options).unlink()


if __name__ == "__main__":
    main()
