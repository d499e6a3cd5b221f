"""An epoch over a memory map on disk, with and without read-ahead.

Read ahead of the step, or by the step itself, from a cold and a warm cache.

Before each cold epoch the system is told to forget the map's pages. What counts is how often the thread that trains has
to wait for the disk (its major page faults): that is the same on a fast disk and a slow one, on a quiet machine and a
busy one. What each wait takes is the disk's affair; the seconds are those of the disk and the machine at hand.
"""

import argparse
import os
import resource
import tempfile
import time
from pathlib import Path
from unittest.mock import patch

import numpy as np
import torch
from harness import Target, arguments, figure, finish
from hpo.training.augment.config import AugmentConfig
from hpo.training.config import TrialConfig
from hpo.training.data import reader
from hpo.training.data.batches import TrainBatches
from hpo.training.data.pack import Split
from hpo.training.loop.learner import Learner
from hpo.training.models.build import build_model

SIDE, BATCH, CLASSES = 64, 64, 10
CHUNK = 1024  # images written at once: 12 MiB
SIDES = {
    "warm": (False, False),
    "cold, by the step itself": (True, False),
    "cold, read ahead": (True, True),
}


def write(path: Path, count: int) -> None:
    """Write a map of random images, chunk by chunk."""
    random = np.random.default_rng(0)
    images = np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=(count, SIDE, SIDE, 3))
    for start in range(0, count, CHUNK):
        part = images[start : start + CHUNK]
        part[:] = np.frombuffer(random.bytes(part.nbytes), np.uint8).reshape(part.shape)
    images.flush()


def forget(path: Path) -> None:
    """Have the system drop what it holds of a file.

    It must not be mapped.
    """
    handle = os.open(path, os.O_RDONLY)
    # dirty pages are not dropped
    os.fsync(handle)
    os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(handle)


def private_mib() -> float:
    """Return the memory of this process's own, maps of files aside."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon")) / 1024


def epoch(path: Path, learner: Learner, *, cold: bool, is_ahead: bool) -> dict[str, float]:
    """Measure an epoch.

    Seconds, of them waiting for batches, waits for the disk, memory beyond what was there.
    """
    if cold:
        forget(path)
    images = np.load(path, mmap_mode="r")
    if not cold:
        # touches every page
        np.asarray(images).max()
    batches = TrainBatches(
        Split(images, np.arange(len(images)) % CLASSES, np.arange(len(images))),
        mean=[0.5] * 3,
        std=[0.25] * 3,
        batch_size=BATCH,
        augment=AugmentConfig(crop_padding=4, flip=True),
        classes=CLASSES,
        device="cpu",
        seed=0,
    )
    before, most, waited = private_mib(), 0.0, 0.0
    # the one switch between the sides: what reader.py would ask the machine
    with patch.object(reader, "in_memory", lambda array: not is_ahead):
        faults = resource.getrusage(resource.RUSAGE_THREAD).ru_majflt
        began = asked = time.perf_counter()
        for x, y in batches.epoch(1):
            waited += time.perf_counter() - asked
            learner.step(x, y, lr=1e-3)
            most = max(most, private_mib() - before)
            asked = time.perf_counter()
    faults = resource.getrusage(resource.RUSAGE_THREAD).ru_majflt - faults
    return {"s": time.perf_counter() - began, "waited_s": waited, "faults": faults, "mib": most}


def measure(options: argparse.Namespace, path: Path) -> dict[str, list[dict[str, float]]]:
    """Measure `repeats` epochs of every side."""
    config = TrialConfig.model_validate(
        {"model": {"name": "simple_cnn", "width": 4}, "optimizer": {"name": "sgd"}, "precision": {"dtype": "fp32"}}
    )
    model = build_model(config.model, num_classes=CLASSES, in_channels=3, image_size=SIDE)
    learner = Learner(config, model, torch.device("cpu"))
    epoch(path, learner, cold=False, is_ahead=False)
    runs: dict[str, list[dict[str, float]]] = {name: [] for name in SIDES}
    for _ in range(options.repeats):
        for name, (cold, is_ahead) in SIDES.items():
            runs[name].append(epoch(path, learner, cold=cold, is_ahead=is_ahead))
    return runs


def main() -> None:
    parser = arguments("larger_than_memory", __doc__.splitlines()[0], repeats=3)
    parser.add_argument("--mib", type=int, default=256, help="size of the map (default 256)")
    options = parser.parse_args()
    if options.quick:
        options.repeats, options.mib = 1, 16
    torch.set_num_threads(1)
    Path("runs").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir="runs") as folder:  # /tmp may itself be memory
        path = Path(folder) / "images.npy"
        write(path, options.mib * 2**20 // (SIDE * SIDE * 3))
        runs = measure(options, path)
    rows = [
        {
            "cache": name,
            "waits of the step for the disk": figure([run["faults"] for run in own]).text(),
            "s per epoch": figure([run["s"] for run in own]).text(1),
            "of them for batches": figure([run["waited_s"] for run in own]).text(1),
            "memory of its own, MiB": figure([run["mib"] for run in own]).text(),
        }
        for name, own in runs.items()
    ]
    itself, ahead = (sum(run["faults"] for run in runs[f"cold, {how}"]) for how in ("by the step itself", "read ahead"))
    most = max(run["mib"] for run in runs["cold, read ahead"])
    targets = [
        Target("cold: waits of the step, read ahead / by itself", ahead / max(itself, 1), 0.01, at_most=True),
        Target("memory of its own / map", most / options.mib, 0.5, at_most=True),
    ]
    title = f"An epoch over {options.mib} MiB of {SIDE}x{SIDE}x3 images, batches of {BATCH}, medians (min-max)"
    finish(options, title, rows, targets, {"runs": runs})


if __name__ == "__main__":
    main()
