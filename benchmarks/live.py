"""The whole `hpo run` against the usual script, in turn.

How soon is ours as good as the script is in the end? Both search learning rate, batch size, dropout and weight decay of
the same small network, in the same ranges, on the same 10,000 training and 5,000 validation images of Fashion-MNIST, 8
epochs and 20 trials, each from an empty home. Ours is the bundled simple_cnn.yaml on every core, packing included; the
script is peer_search.py, in one process on every core. A clock starts when a command does. Every seed is written down
once it is done; what is there is not run again.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import recipe
from harness import Target, arguments, figure, finish, need_fashion_mnist, processor, target_file
from hpo.training.data.config import DataConfig
from hpo.training.data.prepare import prepare

HPO = str(Path(sys.executable).with_name("hpo"))
FULL = {"trials": 20, "epochs": 8, "train": 10_000, "val": 5_000}
QUICK = {"trials": 2, "epochs": 1, "train": 600, "val": 200}
SCRIPTS = {"augmented": (), "plain": ("--no-augment",)}


@dataclass(frozen=True)
class Search:
    """One whole search.

    Its wall time, and (seconds since its start, validation accuracy) of every epoch, in order.
    """

    seconds: float
    epochs: Sequence[tuple[float, float]]

    @property
    def best(self) -> float:
        """Return the best accuracy of all."""
        return self.best_at(float("inf"))

    def best_at(self, seconds: float) -> float:
        """Return the best accuracy after so many seconds.

        Where the search ended before, its final one.
        """
        return max((accuracy for moment, accuracy in self.epochs if moment <= seconds), default=0.0)

    def reaches(self, accuracy: float) -> float:
        """Return the seconds until an epoch is at least so accurate.

        Infinite where none is.
        """
        return next((moment for moment, value in self.epochs if value >= accuracy), float("inf"))


@dataclass(frozen=True)
class Pair:
    """Both searches of one seed."""

    script: Search
    ours: Search

    @property
    def share(self) -> float:
        """Return the time to the script's best by the script's whole time."""
        return self.ours.reaches(self.script.best) / self.script.seconds

    @property
    def lead(self) -> float:
        """Return ours less the script's accuracy when its time is up."""
        return self.ours.best_at(self.script.seconds) - self.script.best


def timed(command: Sequence[str]) -> tuple[float, float]:
    """Run a command quietly; return its start (Unix time) and seconds."""
    # Unix time, not a monotonic clock: the children write the moments of their epochs in it
    began = time.time()
    environment = {**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}\n{done.stderr}")
    return began, time.time() - began


def as_search(began: float, seconds: float, epochs: Iterator[tuple[float, float]]) -> Search:
    """Return a search from epochs in Unix time."""
    return Search(seconds, sorted((moment - began, accuracy) for moment, accuracy in epochs))


def script(seed: int, size: Mapping[str, int], flags: Sequence[str], root: Path) -> Search:
    """Run the usual script on the images that ours takes.

    Unpacking them for torchvision is not in its time.
    """
    data, home, split = recipe.unzip(root / "torchvision"), root / "script", root / "split.json"
    home.mkdir()
    images = DataConfig(source="fashion_mnist", max_train=size["train"], max_val=size["val"])
    pack = prepare(images, cache=root / "cache")
    split.write_text(json.dumps({"train": pack.train.index.tolist(), "val": pack.val.index.tolist()}))
    paths = ["--data", str(data), "--split", str(split), "--home", str(home)]
    numbers = [f"--seed={seed}", f"--trials={size['trials']}", f"--epochs={size['epochs']}"]
    path = str(Path(__file__).with_name("peer_search.py"))
    began, seconds = timed([sys.executable, path, *paths, *numbers, *flags])
    lines = (home / "epochs.jsonl").read_text().splitlines()
    return as_search(began, seconds, ((moment, accuracy) for moment, accuracy in map(json.loads, lines)))


def ours(seed: int, size: Mapping[str, int], home: Path) -> Search:
    """Run `hpo run` in an empty home.

    Its epochs are in the spools of its tracker.
    """
    settings = [f"data.max_train={size['train']}", f"data.max_val={size['val']}"]
    numbers = [f"--seed={seed}", f"--trials={size['trials']}", f"--epochs={size['epochs']}"]
    command = [HPO, "run", "--space", "simple_cnn", "--data", "fashion_mnist", "--home", str(home), *numbers]
    began, seconds = timed([*command, *(word for setting in settings for word in ("--set", setting))])
    return as_search(began, seconds, spooled(home / "simple_cnn"))


def spooled(study: Path) -> Iterator[tuple[float, float]]:
    """Yield (Unix time, validation accuracy) of every epoch of a study."""
    for spool in study.glob("trials/*/spool.jsonl"):
        for event in map(json.loads, spool.read_text().splitlines()):
            if event["kind"] == "epoch":
                yield event["t"] / 1000, event["metrics"]["val_accuracy"]


def kept(out: Path, setting: Mapping[str, Any]) -> dict[int, Pair]:
    """Return the pairs of an earlier run by seed.

    With the same setting on the same processor.
    """
    measured = json.loads(out.read_text())["measured"] if out.exists() else {}
    if measured.get("setting") != setting:
        return {}
    return {
        int(seed): Pair(**{side: Search(**search) for side, search in pair.items()})
        for seed, pair in measured["searches"].items()
    }


def report(options: argparse.Namespace, setting: Mapping[str, Any], pairs: Mapping[int, Pair]) -> None:
    """Write table and JSON of the seeds so far."""
    share, lead = (figure([getattr(pair, what) for pair in pairs.values()]) for what in ("share", "lead"))
    title = (
        "Whole searches: {train:,} training and {val:,} validation images, {epochs} epochs, {trials} trials, ".format(
            **setting["size"]
        )
    )
    finish(
        options,
        f"{title}script {options.script}",
        [row(seed, pair) for seed, pair in sorted(pairs.items())],
        [Target("ours reaches the script's final accuracy / the script's time, median", share.median, 0.1, True)],
        {
            "setting": setting,
            "share": share,
            "lead": lead,
            "searches": {seed: asdict(pair) for seed, pair in sorted(pairs.items())},
        },
    )


def row(seed: int, pair: Pair) -> dict[str, str]:
    """Return a line of the table."""
    return {
        "seed": str(seed),
        "script": f"{pair.script.seconds:.0f} s to {pair.script.best:.2%}",
        "ours is as good after": f"{pair.ours.reaches(pair.script.best):.0f} s",
        "of the script's time": f"{pair.share:.3f}",
        "ours when the script ends": f"{pair.ours.best_at(pair.script.seconds):.2%} ({100 * pair.lead:+.2f})",
        "ours, whole": f"{pair.ours.seconds:.0f} s to {pair.ours.best:.2%}",
    }


def main() -> None:
    parser = arguments("live", __doc__.splitlines()[0], repeats=1)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--script", choices=tuple(SCRIPTS), default="augmented", help="random crops and flips, or none")
    options = parser.parse_args()
    need_fashion_mnist()
    if options.script != "augmented":
        options.name = f"live-{options.script}"
    if options.quick:
        options.seeds = options.seeds[:1]
    setting = {"size": QUICK if options.quick else FULL, "script": options.script, "processor": processor()}
    pairs = {} if options.quick else kept(target_file(options), setting)
    for seed in [seed for seed in options.seeds if seed not in pairs]:
        with tempfile.TemporaryDirectory() as folder:
            by_script = script(seed, setting["size"], SCRIPTS[options.script], Path(folder))
            pairs[seed] = Pair(by_script, ours(seed, setting["size"], Path(folder) / "ours"))
        report(options, setting, pairs)


if __name__ == "__main__":
    main()
