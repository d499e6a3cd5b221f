"""Files that lie outside of their source's folder: told, and refused under data.strict."""

import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hpo.errors import DataError
from hpo.training.data.arrange import locate
from hpo.training.data.config import DataConfig
from hpo.training.data.prepare import prepare
from hpo.training.data.sources import cifar, download
from hpo.training.data.sources.base import silent
from PIL import Image


def write(folder: Path, count: int = 6) -> None:
    folder.mkdir(parents=True)
    random = np.random.default_rng(len(folder.name))
    for number in range(count):
        Image.fromarray(random.integers(0, 256, (8, 8), dtype=np.uint8)).save(folder / f"{number}.png")


@pytest.fixture
def theirs(tmp_path: Path) -> Path:
    """A set from somebody else, beside a folder of mine."""
    write(tmp_path / "mine")
    for name in ("cat", "dog"):
        write(tmp_path / "theirs" / name)
    return tmp_path / "theirs"


def by_linked_file(root: Path) -> None:
    (root / "cat" / "x.png").symlink_to(root.parent / "mine" / "1.png")


def by_linked_folder(root: Path) -> None:
    (root / "cat" / "more").symlink_to("../../mine")


def by_linked_class(root: Path) -> None:
    (root / "me").symlink_to(root.parent / "mine")


def by_two_links(root: Path) -> None:
    (root / "cat" / "y.png").symlink_to("../dog/z.png")
    (root / "dog" / "z.png").symlink_to("../../mine/2.png")


def by_dots(root: Path) -> None:
    table(root, "../mine/1.png")


def by_absolute_path(root: Path) -> None:
    table(root, str(root.parent / "mine" / "1.png"))


def table(root: Path, *names: str) -> None:
    rows = [f"{kind}/{number}.png,{kind}" for kind in ("cat", "dog") for number in range(6)]
    text = "\n".join(["path,label", *rows, *(f"{name},cat" for name in names)])
    (root / "labels.csv").write_text(text)


WAYS = [by_linked_file, by_linked_folder, by_linked_class, by_two_links, by_dots, by_absolute_path]


@pytest.mark.parametrize("way", WAYS)
def test_they_are_told_and_refused_under_strict(tmp_path: Path, theirs: Path, way: Callable[[Path], None]) -> None:
    way(theirs)
    packed = prepare(DataConfig(source=str(theirs)), cache=tmp_path / "cache")
    (note,) = [note for note in packed.notes if "read all the same" in note]
    assert str(tmp_path / "mine") in note
    for _ in range(2):  # also where the pack is known
        with pytest.raises(DataError, match=r"--strict: .*theirs: every file must lie in it, \d do not"):
            prepare(DataConfig(source=str(theirs), strict=True), cache=tmp_path / "cache")


@pytest.mark.parametrize("inside", [lambda root: None, lambda root: (root / "cat" / "x.png").symlink_to("1.png")])
def test_links_within_the_folder_are_nobodys_business(
    tmp_path: Path, theirs: Path, inside: Callable[[Path], None]
) -> None:
    inside(theirs)
    (tmp_path / "link").symlink_to(theirs)
    for root in (theirs, tmp_path / "link"):
        assert prepare(DataConfig(source=str(root), strict=True), cache=tmp_path / "cache").notes == ()


def test_a_folder_that_the_user_names_is_meant(theirs: Path) -> None:
    shutil.move(theirs / "cat", theirs.parent / "pictures")
    rows = [f"{number}.png,{'odd' if number % 2 else 'even'}" for number in range(6)]
    (theirs / "labels.csv").write_text("\n".join(["path,label", *rows]))
    found = locate(DataConfig(source=str(theirs), images="../pictures/", strict=True))
    assert found.outside == ()
    assert len(found.read(silent).pixels) == 6


def test_an_archive_that_holds_a_link_is_not_read(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("mine")
    folder = tmp_path / cifar.FOLDER
    folder.mkdir()
    for batch in cifar.BATCHES:
        (folder / batch).symlink_to(secret)
    (tmp_path / "root").mkdir()
    with tarfile.open(tmp_path / "root" / cifar.ARCHIVE, "w:gz") as tar:
        tar.add(folder, cifar.FOLDER)
    with pytest.raises(DataError, match="not the whole archive"):
        prepare(DataConfig(source="cifar10"), cache=tmp_path / "cache", data_root=tmp_path / "root")


def test_what_was_unpacked_with_a_link_is_not_taken(tmp_path: Path) -> None:
    for name in ("unpacked", "root"):
        (tmp_path / name).mkdir()
    (tmp_path / "unpacked" / "x").symlink_to("/etc/hostname")
    with pytest.raises(OSError, match="the archive holds a link, x"):
        download._move_into(tmp_path / "unpacked", tmp_path / "root")
    assert list((tmp_path / "root").iterdir()) == []
