"""A pack is read through one shared map, and its test split only through the door that writes a line."""

import json
import os
import pickle
import subprocess
from pathlib import Path

import numpy as np
import pytest
from hpo.errors import DataError
from hpo.training.data import pack as pack_module
from hpo.training.data.config import DataConfig
from hpo.training.data.pack import Pack, Split, open_test
from hpo.training.data.prepare import prepare

from ...warm.client import Command

READER = """
import sys, pathlib, torch
from hpo.training.augment.config import AugmentConfig
from hpo.training.data.batches import TrainBatches
from hpo.training.data.pack import Pack

def private_kib():
    rows = (line.split() for line in open("/proc/self/smaps_rollup") if line.startswith("Private"))
    return sum(int(row[1]) for row in rows)

def read(pack, epochs):
    batches = TrainBatches(pack.train, mean=pack.mean, std=pack.std, batch_size=16,
                           augment=AugmentConfig(crop_padding=2, flip=True), classes=10, device="cpu", seed=0)
    for epoch in range(epochs):
        for images, labels in batches.epoch(epoch):
            pass
    return batches

torch.set_num_threads(1)
read(Pack.open(pathlib.Path(sys.argv[1])), 1)  # allocators and kernels are warm
before = private_kib()
kept = read(Pack.open(pathlib.Path(sys.argv[2])), 2)
print("read", flush=True)
sys.stdin.readline()  # pages that only one process has mapped so far would count as its own
print(private_kib() - before, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def digits(digits_pack: Path) -> Pack:
    return Pack.open(digits_pack)


def test_splits_are_disjoint_views_of_one_map(digits: Pack) -> None:
    both = digits.train_and_val
    assert np.array_equal(both.images, np.concatenate([digits.train.images, digits.val.images]))
    assert np.array_equal(both.labels, np.concatenate([digits.train.labels, digits.val.labels]))
    assert not set(digits.train.index) & set(digits.val.index)
    for split in (digits.train, digits.val, both):
        assert isinstance(split.images, np.memmap)
        assert not split.images.flags.writeable
        assert (split.images.dtype, split.labels.dtype, split.index.dtype) == (np.uint8, np.int64, np.int64)
        assert len(split) == len(split.images) == len(split.labels)


def test_counts_say_what_is_there(digits: Pack, tmp_path: Path) -> None:
    splits = {"train": digits.train, "val": digits.val, "test": open_test(digits, "count", tmp_path / "log")}
    for name, split in splits.items():
        assert tuple(np.bincount(split.labels, minlength=10)) == digits.counts[name]
        assert digits.size(name) == len(split)


def test_statistics_are_of_the_training_images(digits: Pack) -> None:
    scaled = digits.train.images / 255
    assert digits.mean == pytest.approx([scaled.mean()])
    assert digits.std == pytest.approx([scaled.std()])


def test_the_test_split_is_the_rest_and_nothing_else_gives_it(digits: Pack, tmp_path: Path) -> None:
    test = open_test(digits, "look", tmp_path / "log")
    reachable = {name for name in dir(digits) if isinstance(getattr(digits, name), Split)}
    assert reachable == {"train", "val", "train_and_val"}
    assert set(test.index).isdisjoint(digits.train_and_val.index)
    assert len(test) + len(digits.train_and_val) == 1797


def test_each_opening_is_logged(digits: Pack, tmp_path: Path) -> None:
    log = tmp_path / "study" / "test-openings.jsonl"
    for reason in ("retrain-best trial 7", "evaluate"):
        open_test(digits, reason, log)
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert [line["reason"] for line in lines] == ["retrain-best trial 7", "evaluate"]
    assert {(line["fingerprint"], line["pid"]) for line in lines} == {(digits.fingerprint, os.getpid())}
    assert lines[0]["time"] < lines[1]["time"]


def test_the_line_is_on_disk_before_the_images_are(
    digits: Pack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[str] = []
    fsync, load = os.fsync, pack_module._load
    monkeypatch.setattr(os, "fsync", lambda handle: (fsync(handle), events.append("synced")))
    monkeypatch.setattr(pack_module, "_load", lambda folder: (events.append("opened"), load(folder))[1])
    open_test(digits, "order", tmp_path / "log")
    assert events[-1] == "opened"
    assert "synced" in events[:-1]


def test_no_line_no_images(digits: Pack, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="stays closed"):
        open_test(digits, "look", tmp_path)  # a folder cannot be appended to
    with pytest.raises(DataError, match="needs a reason"):
        open_test(digits, " ", tmp_path / "log")


def test_a_pack_crosses_to_another_process_as_a_path_not_as_pixels(digits: Pack) -> None:
    sent = pickle.dumps(digits)
    assert pickle.loads(sent) == digits
    assert len(sent) < 2000


def test_another_version_is_refused(digits: Pack, tmp_path: Path) -> None:
    manifest = json.loads((digits.path / "manifest.json").read_text())
    (tmp_path / "manifest.json").write_text(json.dumps({**manifest, "format": 0}))
    with pytest.raises(DataError, match="written by another version"):
        Pack.open(tmp_path)


def line(process: "subprocess.Popen[str]", said: str = "") -> str:
    """The next line of a process, after telling it something."""
    assert process.stdin
    assert process.stdout
    process.stdin.write(said)
    process.stdin.flush()
    return process.stdout.readline().strip()


@pytest.mark.slow
@pytest.mark.usefixtures("warm")
@pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="needs Linux's smaps_rollup")
def test_a_second_process_holds_no_second_copy(digits: Pack, tmp_path: Path) -> None:
    big = prepare(DataConfig(source="digits", image_size=96, color="rgb"), cache=tmp_path / "cache")
    packed_kib = big.train.images.nbytes // 1024
    command, pipe = ["-c", READER, str(digits.path), str(big.path)], subprocess.PIPE
    readers = [Command(command, stdin=pipe, stdout=pipe, text=True) for _ in range(2)]
    assert [line(reader) for reader in readers] == ["read", "read"]
    grown = [int(line(reader, "\n")) for reader in readers]  # both alive, both have read it all
    for reader in readers:
        reader.communicate("")
    assert packed_kib > 35_000
    assert max(grown) < packed_kib / 2
