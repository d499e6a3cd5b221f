"""The searches that live.py compares: how each is run, and how soon it is as good as another."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import recipe
from hpo.training.data.config import DataConfig
from hpo.training.data.prepare import prepare
from peer_training import BATCH_SIZES, DROPOUT, LR, WEIGHT_DECAY

HPO = str(Path(sys.executable).with_name("hpo"))
PLAIN = "--no-augment"
PEERS: Mapping[str, tuple[str, ...]] = {
    "augmented": ("peer_search.py",),
    "plain": ("peer_search.py", PLAIN),
    "ray": ("peer_ray.py",),
    "ray-plain": ("peer_ray.py", PLAIN),
}
"""Scripts with their flags."""

# what the peers' training has, and no value that says where to begin
THEIRS = (
    "schedule={name: constant}",
    f"optimizer.lr={{low: {LR[0]}, high: {LR[1]}, log: true}}",
    f"optimizer.weight_decay={{low: {WEIGHT_DECAY[0]}, high: {WEIGHT_DECAY[1]}, log: true}}",
    f"model.dropout={{low: {DROPOUT[0]}, high: {DROPOUT[1]}}}",
    f"data.batch_size={{choices: {BATCH_SIZES}}}",
)
AUGMENTED = ("augment.crop_padding=2", "augment.flip=true")


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
class Turn:
    """The searches of one seed: the peer's, and ours by name."""

    peer: Search
    ours: Mapping[str, Search]

    def share(self, name: str) -> float:
        """Return our time to the peer's best by the peer's whole time."""
        return self.ours[name].reaches(self.peer.best) / self.peer.seconds

    def lead(self, name: str) -> float:
        """Return ours less the peer's accuracy when its time is up."""
        return self.ours[name].best_at(self.peer.seconds) - self.peer.best


def run_peer(name: str, python: Path, seed: int, size: Mapping[str, int], root: Path) -> Search:
    """Run a peer on the images that ours takes.

    Unpacking them for torchvision is not in its time.
    """
    data, home, split = recipe.unzip(root / "torchvision"), root / "peer", root / "split.json"
    home.mkdir()
    images = DataConfig(source="fashion_mnist", max_train=size["train"], max_val=size["val"])
    pack = prepare(images, cache=root / "cache")
    split.write_text(json.dumps({"train": pack.train.index.tolist(), "val": pack.val.index.tolist()}))
    paths = ["--data", str(data), "--split", str(split), "--home", str(home)]
    script, *flags = PEERS[name]
    path = str(Path(__file__).with_name(script))
    began, seconds = _timed([str(python), path, *paths, *_numbers(seed, size), trials(size), *flags])
    lines = (home / "epochs.jsonl").read_text().splitlines()
    return _search(began, seconds, ((moment, accuracy) for moment, accuracy in map(json.loads, lines)))


def run_ours(seed: int, size: Mapping[str, int], flags: Sequence[str], home: Path) -> Search:
    """Run `hpo run` in an empty home, with a budget among the `flags`.

    Its epochs are in the spools of its tracker.
    """
    images = ["--set", f"data.max_train={size['train']}", "--set", f"data.max_val={size['val']}"]
    command = [HPO, "run", "--space", "simple_cnn", "--data", "fashion_mnist", "--home", str(home)]
    began, seconds = _timed([*command, *_numbers(seed, size), *images, *flags])
    return _search(began, seconds, _spooled(home / "simple_cnn"))


def trials(size: Mapping[str, int]) -> str:
    """Return the budget of a number of trials."""
    return f"--trials={size['trials']}"


def _numbers(seed: int, size: Mapping[str, int]) -> list[str]:
    return [f"--seed={seed}", f"--epochs={size['epochs']}"]


def _timed(command: Sequence[str]) -> tuple[float, float]:
    """Run a command quietly; return its start (Unix time) and seconds."""
    # Unix time, not a monotonic clock: the children write the moments of their epochs in it
    began = time.time()
    environment = {**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true", "RAY_USAGE_STATS_ENABLED": "0"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}\n{done.stderr}")
    return began, time.time() - began


def _search(began: float, seconds: float, epochs: Iterator[tuple[float, float]]) -> Search:
    """Return a search from epochs in Unix time."""
    return Search(seconds, sorted((moment - began, accuracy) for moment, accuracy in epochs))


def _spooled(study: Path) -> Iterator[tuple[float, float]]:
    """Yield (Unix time, validation accuracy) of every epoch of a study."""
    for spool in study.glob("trials/*/spool.jsonl"):
        for event in map(json.loads, spool.read_text().splitlines()):
            if event["kind"] == "epoch":
                yield event["t"] / 1000, event["metrics"]["val_accuracy"]
