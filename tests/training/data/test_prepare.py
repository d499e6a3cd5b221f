"""Packs are made once, whole or not at all, whoever asks and whoever dies; and a changed source is another pack."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hpo.common import preprocess
from hpo.errors import DataError
from hpo.training.data.config import DataConfig
from hpo.training.data.pack import Pack
from hpo.training.data.prepare import prepare
from hpo.training.data.sources.files import FilePixels
from PIL import Image

from ...warm.client import Command

CHILD = """
import sys, pathlib
from hpo.training.config import DataConfig
from hpo.training.data.prepare import prepare
print("ready", flush=True)
print(prepare(DataConfig(source=sys.argv[1]), cache=pathlib.Path(sys.argv[2])).fingerprint)
"""


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """1,500 small pictures in three classes: a second of work."""
    root, random = tmp_path_factory.mktemp("images"), np.random.default_rng(0)
    for number in range(1500):
        folder = root / "abc"[number % 3]
        folder.mkdir(exist_ok=True)
        Image.fromarray(random.integers(0, 256, (40, 30, 3), dtype=np.uint8)).save(folder / f"{number}.jpg")
    return root


@pytest.fixture
def few(tmp_path: Path) -> Path:
    root = tmp_path / "few"
    for number in range(20):
        folder = root / "ab"[number % 2]
        folder.mkdir(parents=True, exist_ok=True)
        Image.new("L", (8, 8), number).save(folder / f"{number:02}.png")
    return root


def start(root: Path, cache: Path) -> subprocess.Popen[str]:
    """A process that prepares `root` and has finished importing."""
    child = Command(["-c", CHILD, str(root), str(cache)], stdout=subprocess.PIPE, text=True)
    assert child.stdout
    assert child.stdout.readline() == "ready\n"
    return child


def contents(pack: Pack) -> dict[str, bytes]:
    return {str(file.relative_to(pack.path)): file.read_bytes() for file in pack.path.rglob("*") if file.is_file()}


def visible(cache: Path) -> list[str]:
    return [path.name for path in cache.iterdir() if not path.name.startswith(".")] if cache.exists() else []


def never_read(*_: object) -> None:
    raise AssertionError("the source was read again")


@pytest.mark.slow
@pytest.mark.usefixtures("warm")
def test_killed_anywhere_then_the_same_pack(images: Path, tmp_path: Path) -> None:
    began = time.perf_counter()
    whole = prepare(DataConfig(source=str(images)), cache=tmp_path / "whole")
    took = time.perf_counter() - began
    cache = tmp_path / "cache"
    for moment in np.random.default_rng().uniform(0, took, 6):
        child = start(images, cache)
        time.sleep(moment)  # no synchronisation on purpose: any moment will do
        child.send_signal(signal.SIGKILL)
        child.communicate()
        for name in visible(cache):
            assert contents(Pack.open(cache / name)) == contents(whole)  # visible means whole
            for folder in (cache / name, cache / ".seen"):
                for file in sorted(folder.rglob("*"), reverse=True):
                    file.rmdir() if file.is_dir() else file.unlink()
            (cache / name).rmdir()
    again = prepare(DataConfig(source=str(images)), cache=cache)
    assert contents(again) == contents(whole)
    assert list((cache / ".partial").iterdir()) == []


@pytest.mark.usefixtures("warm")
def test_processes_that_ask_at_once_get_one_pack(images: Path, tmp_path: Path) -> None:
    children = [start(images, tmp_path / "cache") for _ in range(3)]
    outputs = {child.communicate()[0] for child in children}
    assert [child.returncode for child in children] == [0, 0, 0]
    assert outputs == {f"{visible(tmp_path / 'cache')[0]}\n"}
    assert len(visible(tmp_path / "cache")) == 1


def test_what_a_dead_process_left_of_another_pack_is_swept(few: Path, tmp_path: Path) -> None:
    left = tmp_path / "cache" / ".partial" / "0123456789"
    left.mkdir(parents=True)
    (left / "images.npy").write_bytes(b"half")
    prepare(DataConfig(source=str(few)), cache=tmp_path / "cache")
    assert not left.exists()


def test_an_unchanged_source_is_not_read_again(few: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = prepare(DataConfig(source=str(few)), cache=tmp_path / "cache")
    monkeypatch.setattr(FilePixels, "_digest", never_read)
    monkeypatch.setattr(FilePixels, "_decode", never_read)
    assert prepare(DataConfig(source=str(few), batch_size=3), cache=tmp_path / "cache") == first


def test_what_another_version_of_the_rule_has_decoded_is_decoded_anew(
    few: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = prepare(DataConfig(source=str(few)), cache=tmp_path / "cache")
    monkeypatch.setattr(preprocess, "VERSION", preprocess.VERSION + 1)
    second = prepare(DataConfig(source=str(few)), cache=tmp_path / "cache")
    assert second.fingerprint != first.fingerprint
    assert Pack.open(first.path) == first  # what was trained on it can still be exported and evaluated


def edit_in_place(root: Path) -> None:
    file = root / "a" / "02.png"
    stat, content = file.stat(), bytearray(file.read_bytes())
    Image.new("L", (8, 8), 99).save(file)
    edited = file.read_bytes()
    assert len(edited) == len(content)
    os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))  # same size, same time: only the change time tells


CHANGES: dict[str, Callable[[Path], object]] = {
    "edited": edit_in_place,
    "added": lambda root: Image.new("L", (8, 8), 7).save(root / "a" / "new.png"),
    "removed": lambda root: (root / "a" / "00.png").unlink(),
    "moved": lambda root: (root / "a" / "00.png").rename(root / "b" / "00.png"),
    "class renamed": lambda root: (root / "a").rename(root / "c"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_source_is_another_pack(few: Path, tmp_path: Path, change: str) -> None:
    first = prepare(DataConfig(source=str(few)), cache=tmp_path / "cache")
    CHANGES[change](few)
    assert prepare(DataConfig(source=str(few)), cache=tmp_path / "cache").fingerprint != first.fingerprint


@pytest.mark.parametrize(
    "settings",
    [
        *({"image_size": 16}, {"color": "rgb"}, {"val_fraction": 0.2}, {"split_seed": 1}, {"val_seed": 1}),
        *({"max_train": 8}, {"max_val": 2}),
    ],
)
def test_another_setting_is_another_pack(few: Path, tmp_path: Path, settings: dict[str, object]) -> None:
    first = prepare(DataConfig(source=str(few)), cache=tmp_path / "cache")
    other = prepare(DataConfig.model_validate({"source": str(few), **settings}), cache=tmp_path / "cache")
    assert other.fingerprint != first.fingerprint


def test_a_val_seed_moves_no_test_image(few: Path, tmp_path: Path) -> None:
    first = prepare(DataConfig(source=str(few)), cache=tmp_path / "cache")
    other = prepare(DataConfig(source=str(few), val_seed=1), cache=tmp_path / "cache")
    same = {name: contents(first)[name] == content for name, content in contents(other).items()}
    assert [name for name in same if name.startswith("test/") and not same[name]] == []
    assert not same["index.npy"]


def test_the_split_seed_as_val_seed_is_the_same_pack(few: Path, tmp_path: Path) -> None:
    first = prepare(DataConfig(source=str(few), split_seed=3), cache=tmp_path / "cache")
    assert prepare(DataConfig(source=str(few), split_seed=3, val_seed=3), cache=tmp_path / "cache") == first


def test_a_copy_elsewhere_is_the_same_pack(few: Path, tmp_path: Path) -> None:
    first = prepare(DataConfig(source=str(few)), cache=tmp_path / "cache")
    (tmp_path / "elsewhere").mkdir()
    few.rename(tmp_path / "elsewhere" / "few")
    assert prepare(DataConfig(source=str(tmp_path / "elsewhere" / "few")), cache=tmp_path / "cache") == first


@pytest.mark.parametrize("damaged", ["images.npy", "test/labels.npy", "manifest.json"])
def test_a_damaged_pack_is_made_again(few: Path, tmp_path: Path, damaged: str) -> None:
    first = prepare(DataConfig(source=str(few)), cache=tmp_path / "cache")
    before = contents(first)
    (first.path / damaged).write_bytes(before[damaged][:-1])
    with pytest.raises(DataError, match="not a usable pack"):
        Pack.open(first.path)
    assert contents(prepare(DataConfig(source=str(few)), cache=tmp_path / "cache")) == before


def test_a_source_that_changes_while_it_is_read_is_refused(few: Path, tmp_path: Path) -> None:
    def disturb(stage: str, done: int, total: int) -> None:
        if stage == "write":
            Image.new("L", (8, 8), 1).save(few / "a" / "late.png")

    with pytest.raises(DataError, match="was changed while it was being read"):
        prepare(DataConfig(source=str(few)), cache=tmp_path / "cache", progress=disturb)
    after = prepare(DataConfig(source=str(few)), cache=tmp_path / "cache")
    assert sum(map(sum, after.counts.values())) == 21


def test_a_cache_that_cannot_be_written_is_named(few: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match=r"file.*not prepared"):
        prepare(DataConfig(source=str(few)), cache=tmp_path / "file" / "cache")


def test_an_interrupted_making_leaves_nothing(few: Path, tmp_path: Path) -> None:
    def interrupt(stage: str, done: int, total: int) -> None:
        if stage == "write":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepare(DataConfig(source=str(few)), cache=tmp_path / "cache", progress=interrupt)
    assert visible(tmp_path / "cache") == []
    assert list((tmp_path / "cache" / ".partial").iterdir()) == []


def test_progress_counts_up_to_the_whole(images: Path, tmp_path: Path) -> None:
    seen: list[tuple[str, int, int]] = []
    prepare(DataConfig(source=str(images)), cache=tmp_path / "cache", progress=lambda *step: seen.append(step))
    for stage in ("hash", "measure", "decode"):
        counts = [done for name, done, total in seen if name == stage]
        assert counts == sorted(counts)
        assert counts[-1] == 1500
    assert len(seen) < 1500 / 4


def test_from_a_thread_and_without_leftover_threads(few: Path, tmp_path: Path) -> None:
    made: list[Pack] = []
    thread = threading.Thread(
        target=lambda: made.append(prepare(DataConfig(source=str(few)), cache=tmp_path / "cache"))
    )
    before = threading.active_count()
    thread.start()
    thread.join()
    assert made[0].size("train") == 16
    assert threading.active_count() == before
