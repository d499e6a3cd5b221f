"""Checkpoint files and the thread that writes them."""

import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from threading import Event
from typing import Any

import pytest
import torch
from hpo.common.atomic import write_atomic
from hpo.common.faults import disk_fault
from hpo.errors import DataError, HpoError, MachineError
from hpo.training.checkpoints import checkpoint
from hpo.training.checkpoints import writer as checkpoint_writer
from hpo.training.checkpoints.checkpoint import CheckpointError, load, load_pair, save, save_pair, set_aside
from hpo.training.checkpoints.writer import CheckpointWriter
from hpo.training.config import TrialConfig
from hpo.training.data.pack import Pack
from hpo.training.train import train

from ..conftest import full_disk


def last(epoch: int, best: int) -> dict[str, Any]:
    return {"epoch": epoch, "best_epoch": best, "model": {"w": torch.full((3,), float(epoch))}}


def best(epoch: int) -> dict[str, Any]:
    return {"epoch": epoch}


def test_round_trip_and_readable_by_torch_and_zip(tmp_path: Path) -> None:
    state = {"w": torch.arange(6.0).view(2, 3), "n": 3, "s": "x", "l": [{"a": 0.5}], "none": None}
    save(tmp_path / "a.ckpt", state)
    for read in (load(tmp_path / "a.ckpt"), torch.load(tmp_path / "a.ckpt", weights_only=True)):
        assert torch.equal(read.pop("w"), state["w"])
        assert read == {key: value for key, value in state.items() if key != "w"}
    assert zipfile.ZipFile(tmp_path / "a.ckpt").testzip() is None
    assert [path.name for path in tmp_path.iterdir()] == ["a.ckpt"]


@pytest.mark.parametrize("position", [0.0, 0.3, 0.6, 0.999])
def test_every_flipped_bit_is_found(position: float, tmp_path: Path) -> None:
    save(tmp_path / "a.ckpt", last(1, 1))
    content = bytearray((tmp_path / "a.ckpt").read_bytes())
    content[int(position * len(content))] ^= 1
    (tmp_path / "a.ckpt").write_bytes(content)
    with pytest.raises(CheckpointError, match=r"a\.ckpt: corrupt"):
        load(tmp_path / "a.ckpt")


@pytest.mark.parametrize("keep", [0, 1, 100, -1])
def test_a_torn_file_is_found(keep: int, tmp_path: Path) -> None:
    save(tmp_path / "a.ckpt", last(1, 1))
    (tmp_path / "a.ckpt").write_bytes((tmp_path / "a.ckpt").read_bytes()[:keep])
    with pytest.raises(CheckpointError, match="its end is missing"):
        load(tmp_path / "a.ckpt")


def test_code_in_a_checkpoint_is_never_run(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[Any, ...]:
            return Path.touch, (tmp_path / "touched",)

    save(tmp_path / "a.ckpt", {"x": Evil()})
    with pytest.raises(CheckpointError, match="is not loaded"):
        load(tmp_path / "a.ckpt")
    assert not (tmp_path / "touched").exists()


def test_a_missing_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="cannot be read: No such file"):
        load(tmp_path / "a.ckpt")
    assert load_pair(tmp_path) is None


def test_a_failed_write_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    write_atomic(tmp_path / "a", b"old")
    with full_disk(), pytest.raises(OSError, match="File too large"):
        write_atomic(tmp_path / "a", b"new" * 10_000)
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert (tmp_path / "a").read_bytes() == b"old"
    write_atomic(tmp_path / "a", b"new" * 10_000)  # the limit is gone: else it would be pytest's own, of its log


class Crash(BaseException):
    """The machine goes down."""


@pytest.mark.parametrize("survived", range(4))
def test_the_pair_fits_after_a_crash_at_any_step(
    survived: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_pair(tmp_path, last(1, 1), best(1))
    steps = iter(range(10))

    def crashing(real: Callable[..., None]) -> Callable[..., None]:
        def step(*arguments: Any) -> None:
            if next(steps) == survived:
                raise Crash
            real(*arguments)

        return step

    with monkeypatch.context() as patch:
        patch.setattr(checkpoint, "save", crashing(save))
        patch.setattr(checkpoint, "rename", crashing(checkpoint.rename))
        try:
            save_pair(tmp_path, last(2, 2), best(2))
        except Crash:
            assert survived < 3
        else:
            assert survived == 3
    state = load_pair(tmp_path)
    assert state is not None
    assert state["epoch"] == load(tmp_path / "best.ckpt")["epoch"] == (1 if survived < 2 else 2)
    assert {path.name for path in tmp_path.iterdir()} == {"last.ckpt", "best.ckpt"}


def test_a_best_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    save_pair(tmp_path, last(2, 2), best(2))
    save(tmp_path / "best.ckpt", best(1))
    with pytest.raises(CheckpointError, match=r"best\.ckpt is not of the epoch"):
        load_pair(tmp_path)


def test_set_aside_keeps_every_generation(tmp_path: Path) -> None:
    for number in (1, 2):
        save_pair(tmp_path, last(number, number), best(number))
        assert set_aside(tmp_path, ()) == tmp_path / f"set-aside-{number}"
    assert set_aside(tmp_path, ()) is None
    assert load(tmp_path / "set-aside-1" / "last.ckpt")["epoch"] == 1


def test_the_newest_wins_and_a_skipped_best_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    began, go_on = Event(), Event()
    written: list[tuple[int, int | None]] = []

    def slow(directory: Path, state: dict[str, Any], other: dict[str, Any] | None) -> None:
        began.set()
        assert go_on.wait(10)
        written.append((state["epoch"], other["epoch"] if other else None))
        save_pair(directory, state, other)

    monkeypatch.setattr(checkpoint_writer, "save_pair", slow)
    with CheckpointWriter(tmp_path) as writer:
        writer.submit(lambda: last(1, 1), lambda: best(1))
        assert began.wait(10)
        writer.submit(lambda: last(2, 2), lambda: best(2))  # these two come while the first is being written
        writer.submit(lambda: last(3, 2), None)
        go_on.set()
    assert written == [(1, 1), (3, 2)]
    assert load_pair(tmp_path) is not None


def test_flush_waits_for_the_disk(tmp_path: Path) -> None:
    with CheckpointWriter(tmp_path) as writer:
        writer.submit(lambda: last(1, 1), lambda: best(1))
        writer.flush()
        assert load(tmp_path / "last.ckpt")["epoch"] == 1


def test_a_failure_to_write_is_raised_at_the_latest_on_leaving(tmp_path: Path) -> None:
    writer = CheckpointWriter(tmp_path / "missing")
    writer.submit(lambda: last(1, 1), lambda: best(1))
    with pytest.raises(MachineError, match="could not be written: No such file"):
        writer.__exit__(None, None, None)
    other = CheckpointWriter(tmp_path / "missing")
    other.submit(lambda: last(1, 1), lambda: best(1))
    other.__exit__(ZeroDivisionError, ZeroDivisionError(), None)  # that error is on its way out and the one to see


def test_a_full_disk_ends_training_with_its_reason(
    digits_pack: Path, small_config: Callable[..., TrialConfig], tmp_path: Path
) -> None:
    with full_disk(), pytest.raises(MachineError, match="the checkpoint could not be written: File too large"):
        list(train(small_config(), pack=digits_pack, directory=tmp_path))
    assert {path.name for path in tmp_path.iterdir()} == {"config.json"}


UNREADABLE = Path("/proc/self/mem")  # of which the first byte gives EIO, as a broken disk does


@pytest.mark.skipif(not UNREADABLE.exists(), reason="needs Linux's /proc")
@pytest.mark.parametrize("name", ["last.ckpt", "partial.ckpt"])
def test_a_checkpoint_that_the_disk_does_not_give_is_not_set_aside(
    name: str, few: Path, small_config: Callable[..., TrialConfig], tmp_path: Path
) -> None:
    config = small_config(budget={"epochs": 1})
    list(train(config, pack=few, directory=tmp_path))
    (tmp_path / name).unlink(missing_ok=True)
    (tmp_path / name).symlink_to(UNREADABLE)
    with pytest.raises(MachineError, match=rf"{name}: cannot be read: Input/output error"):
        list(train(config, pack=few, directory=tmp_path))
    assert (tmp_path / name).is_symlink()


def test_a_folder_that_takes_nothing_is_the_machines_fault(
    few: Path, small_config: Callable[..., TrialConfig], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(MachineError, match="the folder could not be made: Not a directory"):
        list(train(small_config(), pack=few, directory=tmp_path / "file" / "3"))
    trial = tmp_path / "3"
    reports = train(small_config(), pack=few, directory=trial)
    next(reports)
    shutil.rmtree(trial)  # as by a share that went away
    with pytest.raises(MachineError, match="the checkpoint could not be written: No such file"):
        list(reports)


def test_a_file_that_a_users_model_misses_is_not_the_machines_fault(
    few: Path, small_config: Callable[..., TrialConfig], tmp_path: Path
) -> None:
    (tmp_path / "net.py").write_text("def net(num_classes, in_channels):\n    open('/no/such/file')\n")
    with pytest.raises((OSError, HpoError)) as caught:
        list(train(small_config(model={"name": f"{tmp_path}/net.py:net"}), pack=few, directory=tmp_path / "3"))
    assert not disk_fault(caught.value)


def test_data_that_are_gone_are_said_to_be(few: Path, small_config: Callable[..., TrialConfig], tmp_path: Path) -> None:
    shutil.copytree(few, tmp_path / "pack")
    pack = Pack.open(tmp_path / "pack")
    (tmp_path / "pack" / "images.npy").unlink()
    with pytest.raises(DataError, match="the images are gone"):
        _ = pack.train
    with pytest.raises(DataError, match="is not a usable pack"):
        list(train(small_config(), pack=tmp_path / "pack", directory=tmp_path / "3"))
