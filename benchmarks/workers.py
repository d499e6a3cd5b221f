"""Two workers of one thread each against one: images per second of whole searches; and whether they share the data.

The searches are real `hpo run` commands on two cores and on one of them, with the same trials (a random sampler draws
by trial number). Images are those trained on and validated on; the time is from the study's start to its end, so
that starting the workers counts. For the memory, two workers train on a pack of 64x64 pixels while their maps are read
from /proc: how much of the pack each holds for itself, and how their private memory grows with the pack.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
from harness import Target, arguments, figure, finish, need_fashion_mnist, ratio

HPO = str(Path(sys.executable).with_name("hpo"))
MIB = 2**20


def command(home: Path, *, trials: int, epochs: int, train: int, val: int, image_size: int | None = None) -> list[str]:
    """A search without pruning or MLflow."""
    settings = [f"data.max_train={train}", f"data.max_val={val}", "data.batch_size=128"]
    settings += [] if image_size is None else [f"data.image_size={image_size}", "model.width=4"]
    flags = ["--space", "simple_cnn", "--sampler", "random", "--pruner", "none", "--tracking-uri", "none"]
    numbers = [f"--trials={trials}", f"--epochs={epochs}", "--home", str(home), "--workers", "auto", "--json"]
    return [HPO, "run", *flags, *numbers, *(word for setting in settings for word in ("--set", setting))]


def images_per_s(cores: set[int], home: Path, options: argparse.Namespace) -> float:
    """Of a whole search on `cores`, one worker each."""
    size = {"trials": 2, "epochs": 1, "train": 500, "val": 200} if options.quick else SEARCH
    done = subprocess.run(
        command(home, **size),
        capture_output=True,
        text=True,
        check=True,
        preexec_fn=lambda: os.sched_setaffinity(0, cores),
    )
    return size["trials"] * size["epochs"] * (size["train"] + size["val"]) / json.loads(done.stdout)["wall_s"]


SEARCH = {"trials": 8, "epochs": 4, "train": 5_000, "val": 1_000}


def speeds(options: argparse.Namespace, root: Path) -> dict[str, list[float]]:
    """Images per second with one core and with two, in turn."""
    first, second, *_ = sorted(os.sched_getaffinity(0))
    found: dict[str, list[float]] = {"one worker": [], "two workers": []}
    for repeat in range(options.repeats + 1):
        for name, cores in (("one worker", {first}), ("two workers", {first, second})):
            home = root / f"{name}-{repeat}"
            home.mkdir()
            (home / "cache").symlink_to(root / "cache")
            speed = images_per_s(cores, home, options)
            if repeat:  # the first pair fills the cache
                found[name].append(speed)
    return found


def memory(options: argparse.Namespace, root: Path) -> dict[str, float]:
    """MiB: the pack, and what a worker holds of it, and its private memory with a large and with a small pack."""
    large = 2_000 if options.quick else 50_000
    big, small = (
        sampled(command(root / str(count), trials=2, epochs=1, train=count, val=1_000, image_size=64))
        for count in (large, large // 10)
    )
    return {
        "pack": (large + 1_000) * 64 * 64 / MIB,
        "pack, private to a worker": big["map"],
        "private in all, large pack": big["private"],
        "private in all, small pack": small["private"],
    }


def sampled(search: list[str]) -> dict[str, float]:
    """The most that any worker of a search held: of the pack's map for itself, and privately in all; MiB."""
    most = {"map": 0.0, "private": 0.0}
    with subprocess.Popen(search, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while process.poll() is None:
            for name, size in held(process.pid):
                most[name] = max(most[name], size / MIB)
            time.sleep(0.25)
    if process.returncode:
        raise SystemExit(f"{' '.join(search)} ended with {process.returncode}")
    return most


def held(pid: int) -> Iterator[tuple[str, float]]:
    """Bytes of the workers of `pid` now: dirty private pages of the pack's map, and all private pages."""
    try:
        for worker in psutil.Process(pid).children():
            if "hpo.search.executors.worker" not in worker.cmdline():
                continue
            for area in worker.memory_maps(grouped=False):
                if area.path.endswith("images.npy"):
                    yield "map", area.private_dirty + area.anonymous
            yield "private", worker.memory_full_info().uss
    except (psutil.NoSuchProcess, psutil.AccessDenied, FileNotFoundError):  # it ends just now
        return


def main() -> None:
    """Measure, print, write."""
    options = arguments("workers", __doc__ or "").parse_args()
    need_fashion_mnist()
    if options.quick:
        options.repeats = 1
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "cache").mkdir()
        found, sizes = speeds(options, Path(folder)), memory(options, Path(folder))
    gain = ratio(found["two workers"], found["one worker"])
    grown = sizes["private in all, large pack"] - sizes["private in all, small pack"]
    rows = [{"what": f"{name}, images/s", "figure": figure(values).text()} for name, values in found.items()]
    rows += [{"what": f"{name}, MiB", "figure": f"{size:.1f}"} for name, size in sizes.items()]
    targets = [
        Target("two workers / one worker, images/s", gain.median, 1.7),
        Target("MiB of the pack that are private to a worker", sizes["pack, private to a worker"], 0.0, at_most=True),
        Target(
            "private memory grown by the pack / the pack's own growth", grown / (0.9 * sizes["pack"]), 0.1, at_most=True
        ),
    ]
    title = "Whole searches, simple_cnn on Fashion-MNIST; memory of two workers"
    finish(options, title, rows, targets, {"images_per_s": found, "gain": gain, "mib": sizes})


if __name__ == "__main__":
    main()
