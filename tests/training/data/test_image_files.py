"""What is no image never counts as a damaged one, whatever people and programs put beside their images."""

import io
from pathlib import Path

import numpy as np
import pytest
from hpo.common.decode import FORMATS
from hpo.errors import DataError
from hpo.training.data.config import DataConfig
from hpo.training.data.inspect.survey import inspect_data
from hpo.training.data.pack import Pack
from hpo.training.data.prepare import prepare
from hpo.training.data.sources.image_files import SUFFIXES, is_image
from PIL import Image


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Twenty images in each of two classes."""
    random = np.random.default_rng(0)
    for number in range(40):
        folder = tmp_path / "data" / "ab"[number % 2]
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(random.integers(0, 256, (8, 8, 3), dtype=np.uint8)).save(folder / f"{number:02}.png")
    return tmp_path / "data"


def pack(root: Path, **settings: object) -> Pack:
    return prepare(DataConfig.model_validate({"source": str(root), **settings}), cache=root.parent / "cache")


def encoded(kind: str) -> bytes:
    buffer = io.BytesIO()
    Image.new("L" if kind == "PPM" else "RGB", (16, 16)).save(buffer, kind)
    return buffer.getvalue()


OTHERS = {
    "voc.xml": b"<annotation/>",
    "yolo.txt": b"0 0.5 0.5 1 1",
    "labelme.json": b"{}",
    "GT-00000.csv": b"Filename;Width\n",
    "matlab.mat": b"MATLAB 5.0 MAT-file",
    "array.npy": b"\x93NUMPY\x01\0",
    "README": b"about these images",
    "LICENSE.md": b"# licence",
    "all.zip": b"PK\x03\x04" + encoded("PNG"),
    "film.mp4": b"\0\0\0\x18ftypmp42",
    "film.MOV": b"\0\0\0\x14ftypqt  ",
    "empty": b"",
    "sound.wav": b"RIFF\0\0\0\0WAVE",
    "program.py": b"import sys",
}


def test_what_lies_beside_images_is_counted_once_and_is_no_damage(root: Path) -> None:
    bare = pack(root)
    for number, (name, content) in enumerate(OTHERS.items()):
        (root / "ab"[number % 2] / name).write_bytes(content)
    for path in sorted((root / "a").glob("*.png")):
        path.with_suffix(".xml").write_text("<annotation/>")
    packed = pack(root, val_fraction=0.2)  # a new pack, as the content is the same
    assert packed.skipped == ()
    assert packed.notes == (
        "34 files that are not images were left out: .xml (21), without an ending (2), .csv (1), .json (1), .mat (1) "
        "and 8 more",
    )
    assert pack(root).fingerprint == bare.fingerprint


def test_one_file_is_one(root: Path) -> None:
    (root / "a" / "notes.txt").write_text("x")
    assert pack(root).notes == ("1 file that is not an image was left out: .txt (1)",)


def test_damaged_images_are_damage_beside_any_number_of_others(root: Path) -> None:
    for path in sorted(root.rglob("*.png")):
        path.with_suffix(".txt").write_text("0 0.5 0.5 1 1")
    (root / "a" / "cut.jpg").write_bytes(encoded("JPEG")[:300])
    assert [entry.path for entry in pack(root).skipped] == ["a/cut.jpg"]
    for name in ("lfs.png", "cut.gif"):
        (root / "b" / name).write_text("version https://git-lfs.github.com/spec/v1")
    with pytest.raises(DataError, match="at most 5 % of the files may be unreadable, got 3 of 43"):
        pack(root)


@pytest.mark.parametrize("kind", sorted({*FORMATS} - {"TGA", "PCX"}))  # TGA has no mark at its beginning
def test_an_image_without_an_ending_is_known_by_its_first_bytes(tmp_path: Path, kind: str) -> None:
    for name in ("plain", "odd.1", "backup.jpg~"):
        (tmp_path / name).write_bytes(encoded(kind))
        assert is_image(tmp_path / name)


@pytest.mark.parametrize("name", OTHERS)
def test_what_is_no_image_is_not_taken_for_one(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(OTHERS[name])
    assert not is_image(tmp_path / name)


def test_every_format_that_is_read_is_known_by_its_usual_endings() -> None:
    Image.init()
    usual = {ending for ending, kind in Image.registered_extensions().items() if kind in FORMATS}
    assert usual - SUFFIXES <= {".pfm"}


def test_formats_that_are_not_read_are_told_and_not_left_out(root: Path) -> None:
    (root / "a" / "IMG_1.HEIC").write_bytes(b"\0\0\0\x18ftypheic")
    (skipped,) = pack(root).skipped
    assert (skipped.path, skipped.reason.split(",")[0]) == ("a/IMG_1.HEIC", "HEIC or a video")


def test_a_class_of_other_files_alone_is_none_and_if_all_are_it_is_said(root: Path) -> None:
    (root / "c").mkdir()
    (root / "c" / "0.npy").write_bytes(OTHERS["array.npy"])
    assert inspect_data(DataConfig(source=str(root))).notes == ("no images in c: not taken for a class",)
    for path in root.rglob("*.png"):
        path.rename(path.with_suffix(".npy")).write_bytes(OTHERS["array.npy"])
    with pytest.raises(DataError, match="it has no folder with images in it"):
        pack(root)
