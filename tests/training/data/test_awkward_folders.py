"""Folders as people have them: nothing in them is lost without a word, and nothing ends in a traceback."""

import os
from pathlib import Path

import numpy as np
import pytest
from hpo.errors import DataError
from hpo.training.data.config import DataConfig
from hpo.training.data.inspect.inspection import Inspection
from hpo.training.data.inspect.survey import inspect_data
from hpo.training.data.prepare import prepare
from hpo.training.data.split_file import read_split, split_text
from PIL import Image


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Thirty pictures of noise in each of two classes."""
    random = np.random.default_rng(0)
    for number in range(60):
        folder = tmp_path / "data" / "ab"[number % 2]
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(random.integers(0, 256, (16, 16, 3), dtype=np.uint8)).save(folder / f"{number:02}.png")
    return tmp_path / "data"


def inspect(root: Path) -> Inspection:
    return inspect_data(DataConfig(source=str(root)))


def test_a_folder_without_images_is_no_class_and_says_so(root: Path, tmp_path: Path) -> None:
    (root / "c" / "deeper").mkdir(parents=True)
    assert inspect(root).notes == ("no images in c: not taken for a class",)
    assert prepare(DataConfig(source=str(root)), cache=tmp_path / "cache").notes == inspect(root).notes


def test_files_beside_the_classes_are_named(root: Path) -> None:
    for number in range(7):
        (root / f"{number}.png").write_bytes((root / "a" / "00.png").read_bytes())
    assert inspect(root).notes == ("not in a class folder, and not used: 0.png, 1.png, 2.png, 3.png, 4.png and 2 more",)


def test_files_beside_the_classes_of_a_given_split_are_named(root: Path, tmp_path: Path) -> None:
    (tmp_path / "split").mkdir()
    root.rename(tmp_path / "split" / "train")
    (tmp_path / "split" / "readme.md").write_text("hello")
    (tmp_path / "split" / "train" / "list.txt").write_text("hello")
    assert inspect(tmp_path / "split").notes == ("not in a class folder, and not used: readme.md, train/list.txt",)


def test_links_back_to_the_root_are_not_followed(root: Path) -> None:
    (root / "a" / "up").symlink_to("..")
    (root / "again").symlink_to(".")
    found = inspect(root)
    assert (len(found.names), found.class_names, found.duplicates) == (60, ("a", "b"), ())
    assert found.notes == ("no images in again: not taken for a class",)


def test_the_folder_that_an_archive_adds_is_pointed_at(root: Path) -> None:
    with pytest.raises(DataError, match=r"it has only 'data'\n  did you mean .*/data\?"):
        inspect(root.parent)


def test_a_file_that_may_not_be_read_is_skipped_everywhere(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _forbid(monkeypatch, root / "a" / "00.png")
    assert [(entry.path, entry.reason) for entry in inspect(root).skipped] == [("a/00.png", "no permission to read it")]
    pack = prepare(DataConfig(source=str(root)), cache=tmp_path / "cache")
    assert pack.skipped == inspect(root).skipped


def _forbid(monkeypatch: pytest.MonkeyPatch, file: Path) -> None:
    """As `chmod 0` does to all but root, as whom tests may run."""
    opened = os.open

    def refusing(path: Path, *rest: int) -> int:
        if path == file:
            raise PermissionError(13, "Permission denied", str(path))
        return opened(path, *rest)

    monkeypatch.setattr(os, "open", refusing)


def test_a_folder_that_may_not_be_listed_is_an_error_in_words(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    listing = os.scandir

    def refusing(path: Path) -> object:
        if path == root / "b":
            raise PermissionError(13, "Permission denied", str(path))
        return listing(path)

    monkeypatch.setattr(os, "scandir", refusing)
    with pytest.raises(DataError, match=r"data/b: Permission denied$"):
        inspect(root)


def test_a_name_that_is_not_utf8_can_be_written_and_read_back(root: Path, tmp_path: Path) -> None:
    content = (root / "a" / "00.png").read_bytes()
    with open(os.fsencode(root / "a") + b"/k\xe4se.png", "wb") as file:  # noqa: PTH123 - a Path holds no such name
        file.write(content)
    found = inspect(root)
    assert "a/k%e4se.png" in found.names
    (tmp_path / "split.csv").write_text(split_text(found.names, found.rows), encoding="utf-8")
    config = DataConfig(source=str(root), split_file=str(tmp_path / "split.csv"))
    assert inspect_data(config).splits.tolist() == found.splits.tolist()


def test_names_with_spaces_letters_and_quotes_come_back_from_a_split_file(root: Path, tmp_path: Path) -> None:
    (root / "a").rename(root / "käse, 日本")
    (root / "käse, 日本" / "00.png").rename(root / "käse, 日本" / 'it\'s "new".png')
    found = inspect(root)
    (tmp_path / "split.csv").write_text(split_text(found.names, found.rows), encoding="utf-8")
    assert read_split(tmp_path / "split.csv", found.names)[0].tolist() == found.splits.tolist()


def test_a_class_of_which_nothing_can_be_read_is_named(root: Path) -> None:
    for path in (root / "b").iterdir():
        path.write_text("hello")
    advice = "No image of b can be read, which stops a run: repair its files, or name the others with data.classes."
    assert advice in inspect(root).suggestions


def test_a_misspelled_folder_is_corrected(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(root.parent)
    for name in ("dta", "./dta"):
        with pytest.raises(DataError, match=r"did you mean (/.*/)?data\?"):
            inspect_data(DataConfig(source=name))
