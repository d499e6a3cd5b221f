"""What lies in a data folder and is no file, or a giant one, is named: nothing waits for it, nothing fills memory."""

import gzip
import os
import resource
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hpo.errors import DataError, HpoError, TrainingError
from hpo.training.checkpoints.checkpoint import CheckpointError, load
from hpo.training.checkpoints.training_folder import TrainingFolder
from hpo.training.data.config import DataConfig
from hpo.training.data.prepare import prepare
from hpo.training.data.sources import idx
from hpo.training.export.manifest import ExportManifest
from hpo.training.models.pretrained import _read
from PIL import Image

GIGABYTE = 2**30


@pytest.fixture(autouse=True)
def little_memory() -> Iterator[None]:
    """Four gigabytes more of address space than now: reading sixty would fail."""
    now = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (now + 4 * GIGABYTE, hard))
    yield
    resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(60 * GIGABYTE)


KINDS = [pytest.param(sparse, "must have at most", id="sparse"), pytest.param(os.mkfifo, "a pipe", id="pipe")]
Make = Callable[[Path], None]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    random = np.random.default_rng(0)
    for name in ("cat", "dog"):
        (tmp_path / "data" / name).mkdir(parents=True)
        for number in range(20):
            pixels = random.integers(0, 256, (8, 8), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "data" / name / f"{number}.png")
    return tmp_path / "data"


def test_an_image_of_sixty_gigabytes_is_skipped_by_name(tmp_path: Path, folder: Path) -> None:
    sparse(folder / "cat" / "x.png")
    (skipped,) = prepare(DataConfig(source=str(folder)), cache=tmp_path / "cache").skipped
    assert skipped.path == "cat/x.png"
    assert "must have at most 256 MiB, it has 64,424,509,440 bytes" in skipped.reason


@pytest.mark.parametrize(("make", "reason"), KINDS)
@pytest.mark.parametrize("name", ["labels.csv", "split.csv"])
def test_tables(tmp_path: Path, folder: Path, name: str, make: Make, reason: str) -> None:
    make(folder / name)
    settings = {"split_file": str(folder / name)} if name == "split.csv" else {}
    if name == "split.csv" or make is sparse:
        with pytest.raises(DataError, match=f"{reason}|is not a file"):
            prepare(DataConfig(source=str(folder), **settings), cache=tmp_path / "cache")
    else:  # a pipe is no table, so that the folder is one of class folders
        assert prepare(DataConfig(source=str(folder)), cache=tmp_path / "cache").class_names == ("cat", "dog")


@pytest.mark.parametrize(("make", "reason"), KINDS)
def test_weights_and_checkpoints(tmp_path: Path, make: Make, reason: str) -> None:
    make(tmp_path / "x.pt")
    make(tmp_path / "x.safetensors")
    for name in ("x.pt", "x.safetensors"):
        with pytest.raises(TrainingError, match=rf"model.pretrained: cannot read .*{reason}"):
            _read(tmp_path / name)
    with pytest.raises(CheckpointError, match=reason):
        load(tmp_path / "x.pt")


@pytest.mark.parametrize(("make", "reason"), KINDS)
def test_what_describes_a_model(tmp_path: Path, make: Make, reason: str) -> None:
    for name in ("manifest.json", "run.json"):
        make(tmp_path / name)
    for read in (ExportManifest.read, TrainingFolder.open):
        with pytest.raises(HpoError, match=reason):
            read(tmp_path)


def test_a_few_bytes_that_stand_for_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(idx, "ARCHIVE_BYTES", 2**20)
    root = tmp_path / "root" / "MNIST"
    root.mkdir(parents=True)
    for stem in idx.STEMS:
        (root / f"{stem}.gz").write_bytes(gzip.compress(bytes(2**24)))
    with pytest.raises(DataError, match="must have at most 1 MiB"):
        prepare(DataConfig(source="mnist"), cache=tmp_path / "cache", data_root=tmp_path / "root")
