"""A map that lies on disk is read ahead of the step: the same batches, in little memory, each error in its turn."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from hpo.training.augment.config import AugmentConfig
from hpo.training.data.ahead import ahead
from hpo.training.data.batches import EvalBatches, TrainBatches
from hpo.training.data.pack import Split
from hpo.training.data.pages import in_memory
from PIL import Image

LINUX = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits and pages as Linux has them")
SIDE = 16


def on_disk(path: Path, count: int = 3000) -> Split:
    """Images of which no page is in memory: most of the file is a hole, which the system reads as zeros."""
    shape = (count, SIDE, SIDE, 3)
    images = np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=shape)
    images[::500] = np.arange(images[::500].size).reshape(images[::500].shape) % 251
    images.flush()
    del images
    drop(path)
    return Split(np.load(path, mmap_mode="r"), np.arange(count) % 5, np.arange(count))


def drop(path: Path) -> None:
    """Have the system forget what it has of a file that nobody has touched through a map."""
    handle = os.open(path, os.O_RDONLY)
    os.fsync(handle)
    os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(handle)


def train(split: Split) -> TrainBatches:
    augment = AugmentConfig(crop_padding=2, flip=True, mixup=0.2)
    return TrainBatches(
        split, mean=[0.5] * 3, std=[0.2] * 3, batch_size=64, augment=augment, classes=5, device="cpu", seed=3
    )


@LINUX
def test_pages_tell_whether_they_are_in_memory(tmp_path: Path) -> None:
    split = on_disk(tmp_path / "images.npy")
    assert not in_memory(split.images)
    assert not in_memory(split.images[1000:])
    np.asarray(split.images).sum()
    assert in_memory(split.images)
    assert in_memory(split.images[1000:])


@LINUX
def test_from_disk_and_from_memory_the_batches_are_the_same(tmp_path: Path) -> None:
    path = tmp_path / "images.npy"
    cold = on_disk(path)
    warm = Split(np.load(path), cold.labels, cold.index)
    drop(path)
    before = threading.active_count()
    read = train(cold).epoch(2)
    first = next(read)
    assert threading.active_count() > before  # it does read ahead
    for ours, theirs in zip([first, *read], train(warm).epoch(2), strict=True):
        assert torch.equal(ours[0], theirs[0])
        assert torch.equal(ours[1], theirs[1])
    assert threading.active_count() == before
    plain = [EvalBatches(s, mean=[0.5] * 3, std=[0.2] * 3, batch_size=512, device="cpu") for s in (cold, warm)]
    assert all(torch.equal(ours, theirs) for (ours, _), (theirs, _) in zip(*plain, strict=True))


@LINUX
def test_an_epoch_that_is_left_leaves_no_thread(tmp_path: Path) -> None:
    before = threading.active_count()
    batches = train(on_disk(tmp_path / "images.npy")).epoch(1)
    next(batches)
    del batches
    assert threading.active_count() == before


def test_ahead_keeps_order_and_passes_errors_on() -> None:
    def work(number: int) -> int:
        if number == 7:
            raise ValueError("seven")
        time.sleep(0.002 * (number % 3))
        return number * number

    done: list[int] = []
    with pytest.raises(ValueError, match="seven"):
        done.extend(ahead(work, range(20), threads=3))
    assert done == [number * number for number in range(7)]
    assert list(ahead(work, [], threads=2)) == []


def test_ahead_is_only_a_little_ahead() -> None:
    begun = []
    results = ahead(begun.append, range(100), threads=2)
    next(results)
    results.close()  # type: ignore[attr-defined]
    assert len(begun) <= 5


LIMIT = """
import resource, sys
from pathlib import Path
import numpy as np

def limit(extra_mib):
    lines = Path("/proc/self/status").read_text().splitlines()
    now = next(int(line.split()[1]) for line in lines if line.startswith("VmData"))
    resource.setrlimit(resource.RLIMIT_DATA, (now * 1024 + extra_mib * 2**20,) * 2)

def refused(nbytes):
    try:
        np.ones(nbytes, np.uint8)
    except MemoryError:
        return True
    return False
"""

READ = (
    LIMIT
    + """
import torch
from hpo.training.augment.config import AugmentConfig
from hpo.training.data.batches import TrainBatches
from hpo.training.data.pack import Split
torch.set_num_threads(1)
count = 24_000
images = np.lib.format.open_memmap(sys.argv[1], mode="w+", dtype=np.uint8, shape=(count, 64, 64, 3))
images = np.load(sys.argv[1], mmap_mode="r")
batches = TrainBatches(Split(images, np.zeros(count, np.int64), np.arange(count)), mean=[0.5] * 3, std=[0.2] * 3,
    batch_size=64, augment=AugmentConfig(crop_padding=4, flip=True), classes=2, device="cpu", seed=0)
for _ in zip(range(3), batches.epoch(1)):
    pass
limit(96)
assert refused(images.nbytes)
print(sum(len(labels) for _, labels in batches.epoch(1)), images.nbytes // 2**20)
"""
)

PACK = (
    LIMIT
    + """
from hpo.training.config import DataConfig
from hpo.training.data.prepare import prepare
warm = prepare(DataConfig(source=sys.argv[1], image_size=8), cache=Path(sys.argv[2]))
limit(120)
pack = prepare(DataConfig(source=sys.argv[1], image_size=640), cache=Path(sys.argv[2]))
nbytes = pack.train_and_val.images.nbytes
assert refused(nbytes)
print(len(pack.train_and_val), nbytes // 2**20)
"""
)


def child(code: str, *arguments: Path) -> list[int]:
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return [int(word) for word in done.stdout.split()]


@LINUX
def test_an_epoch_of_a_map_larger_than_memory(tmp_path: Path) -> None:
    """The process may not have more memory of its own than a third of the map."""
    images, mib = child(READ, tmp_path / "images.npy")
    assert images == 24_000
    assert mib > 2.5 * 96


@LINUX
def test_packing_more_than_memory_holds(tmp_path: Path) -> None:
    for number in range(320):
        folder = tmp_path / "source" / f"class{number % 2}"
        folder.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (24, 24), (number % 256, 0, 255 - number % 256)).save(folder / f"{number}.png")
    images, mib = child(PACK, tmp_path / "source", tmp_path / "cache")
    assert images == 288
    assert mib > 2.5 * 120
