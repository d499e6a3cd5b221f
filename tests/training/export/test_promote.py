import os
import sys
from pathlib import Path

import pytest
from hpo.errors import ExportError
from hpo.training.export import promote
from hpo.training.export.promote import staged


def nothing_else(folder: Path) -> list[str]:
    return []


def contents(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir()}


def put(target: Path, text: str) -> None:
    with staged(target, others=nothing_else) as folder:
        (folder / "a").write_text(text)


def fail(target: Path) -> None:
    with staged(target, others=nothing_else) as folder:
        (folder / "a").write_text("half")
        raise ValueError("does not verify")


def test_nothing_is_visible_before_the_end(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "export"
    with staged(target, others=nothing_else) as folder:
        (folder / "a").write_text("new")
        assert not target.exists()
    assert contents(target) == {"a": "new"}
    assert list(target.parent.iterdir()) == [target]


@pytest.mark.parametrize("platform", [sys.platform, "other"])
def test_an_earlier_export_is_replaced_as_a_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, platform: str
) -> None:
    monkeypatch.setattr(promote.sys, "platform", platform)
    target = tmp_path / "export"
    target.mkdir()
    (target / "gone").write_text("old")
    put(target, "new")
    assert contents(target) == {"a": "new"}
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux swaps directories in one step")
def test_the_target_is_there_at_every_moment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "export"
    put(target, "old")
    monkeypatch.setattr(Path, "rename", None)  # two renames would have a moment without any
    put(target, "new")
    assert contents(target) == {"a": "new"}


def test_a_failure_keeps_the_earlier_export(tmp_path: Path) -> None:
    target = tmp_path / "export"
    put(target, "old")
    with pytest.raises(ValueError, match="does not verify"):
        fail(target)
    assert contents(target) == {"a": "old"}
    assert list(tmp_path.iterdir()) == [target]


def test_what_a_killed_process_left_is_cleared(tmp_path: Path) -> None:
    target, dead = tmp_path / "export", tmp_path / ".export.partial-999999999"
    dead.mkdir()
    alive = tmp_path / f".export.partial-{os.getppid()}"
    alive.mkdir()
    put(target, "new")
    assert sorted(tmp_path.iterdir()) == sorted([target, alive])


def test_a_process_killed_between_two_renames_loses_nothing(tmp_path: Path) -> None:
    aside = tmp_path / ".export.partial-999999999.old"
    aside.mkdir()
    (aside / "a").write_text("old")
    with pytest.raises(ValueError, match="does not verify"):
        fail(tmp_path / "export")
    assert contents(tmp_path / "export") == {"a": "old"}


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(ExportError, match="cannot be written"),
        staged(tmp_path / "file" / "export", others=nothing_else),
    ):
        pass


def test_a_directory_with_files_of_others_is_not_replaced(tmp_path: Path) -> None:
    target = tmp_path / "export"
    put(target, "old")
    with pytest.raises(ExportError, match=r"holds a, which we did not make"), staged(target, contents_of) as folder:
        (folder / "b").write_text("new")
    assert contents(target) == {"a": "old"}
    assert list(tmp_path.iterdir()) == [target]


def contents_of(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]
