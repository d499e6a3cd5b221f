"""The whole `hpo run` against the usual script, in turn: how soon is ours as good as the script in the end?

Both search lr, batch size, dropout and weight decay of the same small network on 10,000 training and 5,000 validation
images of Fashion-MNIST, 8 epochs, 20 trials, with empty homes and empty caches. The script (peer_search.py) augments
by crops and flips as torchvision's references do and keeps its rate constant; ours runs the bundled simple_cnn.yaml.
A clock starts when the command does. Every seed is written down when it is done; what is there is not run again.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import recipe
from harness import Target, arguments, figure, finish, need_fashion_mnist

Moment = tuple[float, float]  # seconds since the start, validation accuracy of an epoch that ended then


@dataclass(frozen=True)
class Search:
    """One whole search: how long it took, and every epoch of every trial in the order of time."""

    seconds: float
    epochs: Sequence[Moment]

    @property
    def best(self) -> float:
        """The best accuracy of all."""
        return self.best_at(float("inf"))

    def best_at(self, seconds: float) -> float:
        """The best accuracy after so many seconds."""
        return max((accuracy for moment, accuracy in self.epochs if moment <= seconds), default=0.0)

    def reaches(self, accuracy: float) -> float:
        """Seconds until an epoch is at least so accurate; infinite where none is."""
        return next((moment for moment, value in self.epochs if value >= accuracy), float("inf"))


def sizes(options: argparse.Namespace) -> dict[str, int]:
    """How much is searched."""
    if options.quick:
        return {"trials": 2, "epochs": 1, "train": 600, "val": 200}
    return {"trials": 20, "epochs": 8, "train": 10_000, "val": 5_000}


def peer(seed: int, size: dict[str, int], data: Path, home: Path) -> Search:
    """The script's search."""
    out = home / "peer.json"
    script = [sys.executable, str(Path(__file__).with_name("peer_search.py")), "--data", str(data), "--home", str(home)]
    flags = [f"--{name}={value}" for name, value in size.items()]
    seconds = timed([*script, "--out", str(out), f"--seed={seed}", *flags])
    told = json.loads(out.read_text())
    before = seconds - told["seconds"]  # importing torch and MLflow
    return Search(seconds, [(before + moment, accuracy) for moment, accuracy in told["epochs"]])


def ours(seed: int, size: dict[str, int], home: Path) -> Search:
    """The search of `hpo run`; its epochs are read from the spool of its tracker."""
    hpo = [str(Path(sys.executable).with_name("hpo")), "run", "--space", "simple_cnn", "--home", str(home)]
    data = [f"data.max_train={size['train']}", f"data.max_val={size['val']}"]
    flags = [f"--trials={size['trials']}", f"--epochs={size['epochs']}", f"--seed={seed}"]
    started = time.time()
    seconds = timed([*hpo, *flags, *(word for setting in data for word in ("--set", setting))])
    return Search(seconds, sorted((moment - started, accuracy) for moment, accuracy in spooled(home / "simple_cnn")))


def timed(command: Sequence[str]) -> float:
    """Run a command quietly; its wall time in seconds."""
    started = time.monotonic()
    environment = {**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}\n{done.stderr}")
    return time.monotonic() - started


def spooled(study: Path) -> Iterator[Moment]:
    """(Unix time, validation accuracy) of every epoch of a study."""
    for spool in study.glob("trials/*/spool.jsonl"):
        for event in map(json.loads, spool.read_text().splitlines()):
            if event["kind"] == "epoch":
                yield event["t"] / 1000, event["metrics"]["val_accuracy"]


def measure(options: argparse.Namespace, kept: Path) -> dict[int, dict[str, Search]]:
    """Both searches for every seed, the missing ones run now."""
    done = {} if options.quick or not kept.exists() else json.loads(kept.read_text())
    for seed in options.seeds:
        if str(seed) not in done:
            with tempfile.TemporaryDirectory() as folder:
                root = Path(folder)
                (root / "peer").mkdir()
                data = recipe.unzip(root / "torchvision")
                pair = {
                    "script": peer(seed, sizes(options), data, root / "peer"),
                    "ours": ours(seed, sizes(options), root / "ours"),
                }
            done[str(seed)] = {side: asdict(search) for side, search in pair.items()}
            kept.parent.mkdir(parents=True, exist_ok=True)
            kept.write_text(json.dumps(done))
            print(f"seed {seed}: " + ", ".join(f"{side} {s.seconds:.0f} s, {s.best:.4f}" for side, s in pair.items()))
    return {seed: {side: Search(**s) for side, s in done[str(seed)].items()} for seed in options.seeds}


def row(seed: int, pair: dict[str, Search]) -> dict[str, str]:
    """A line of the table."""
    script, mine = pair["script"], pair["ours"]
    reached = mine.reaches(script.best)
    return {
        "seed": str(seed),
        "script": f"{script.seconds:.0f} s to {script.best:.4f}",
        "ours is there after": f"{reached:.1f} s ({reached / script.seconds:.3f} of it)",
        "ours after the script's time": f"{mine.best_at(script.seconds):.4f}",
        "ours, whole": f"{mine.seconds:.0f} s to {mine.best:.4f}",
    }


def main() -> None:
    """Measure, print, write."""
    parser = arguments("live", __doc__ or "", repeats=1)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    options = parser.parse_args()
    need_fashion_mnist()
    if options.quick:
        options.seeds = [0]
    pairs = measure(options, options.out.with_name(f"{options.out.stem}-searches.json"))
    shares = figure([pair["ours"].reaches(pair["script"].best) / pair["script"].seconds for pair in pairs.values()])
    gains = figure([pair["ours"].best_at(pair["script"].seconds) - pair["script"].best for pair in pairs.values()])
    title = "Whole searches, Fashion-MNIST 10,000/5,000, simple_cnn, 8 epochs, 20 trials"
    targets = [
        Target("time to the script's final accuracy / the script's time, median", shares.median, 0.1, at_most=True)
    ]
    measured = {"share_of_time": shares, "accuracy_gained": gains}
    finish(options, title, [row(seed, pair) for seed, pair in pairs.items()], targets, measured)


if __name__ == "__main__":
    main()
