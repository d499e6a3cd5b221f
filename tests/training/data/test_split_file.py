"""Saved splits: written, read by anyone, and the same pack again."""

import csv
from pathlib import Path

import numpy as np
import pytest
from hpo.errors import DataError
from hpo.training.data.config import DataConfig
from hpo.training.data.inspect.survey import inspect_data
from hpo.training.data.pack import Pack
from hpo.training.data.prepare import prepare
from hpo.training.data.split_file import split_text
from PIL import Image


@pytest.fixture
def shades(tmp_path: Path) -> Path:
    """Thirty images a class in class folders, two of them unreadable."""
    for number in range(60):
        folder = tmp_path / "shades" / "ab"[number % 2]
        folder.mkdir(parents=True, exist_ok=True)
        Image.new("L", (8, 8), number).save(folder / f"{number:02}, x.png")
    for name in ("a/40, x.png", "b/41, x.png"):
        (tmp_path / "shades" / name).write_text("no image")
    return tmp_path / "shades"


def pack(source: object, tmp_path: Path, **settings: object) -> Pack:
    config = DataConfig.model_validate({"source": str(source), **settings})
    return prepare(config, cache=tmp_path / "cache")


def saved(source: object, tmp_path: Path, **settings: object) -> Path:
    found = inspect_data(DataConfig.model_validate({"source": str(source), **settings}))
    (tmp_path / "split.csv").write_text(split_text(found.names, found.rows))
    return tmp_path / "split.csv"


def contents(pack: Pack) -> dict[str, bytes]:
    return {str(path.relative_to(pack.path)): path.read_bytes() for path in pack.path.rglob("*.npy")}


@pytest.mark.parametrize("settings", [{}, {"max_train": 20, "max_val": 3}, {"split_seed": 5, "val_fraction": 0.2}])
def test_a_saved_split_makes_the_same_pack_whatever_the_other_settings(
    shades: Path, tmp_path: Path, settings: dict[str, object]
) -> None:
    original = pack(shades, tmp_path, **settings)
    file = saved(shades, tmp_path, **settings)
    again = pack(shades, tmp_path, split_file=str(file))
    assert contents(again) == contents(original)
    assert (again.mean, again.std, again.counts) == (original.mean, original.std, original.counts)
    assert pack(shades, tmp_path, split_file=str(file), val_fraction=0.4).fingerprint == again.fingerprint


def test_a_source_without_files_is_saved_by_number(tmp_path: Path) -> None:
    original = pack("digits", tmp_path)
    assert contents(pack("digits", tmp_path, split_file=str(saved("digits", tmp_path)))) == contents(original)


def test_another_program_reads_it(shades: Path, tmp_path: Path) -> None:
    with saved(shades, tmp_path).open(newline="") as file:
        read = list(csv.DictReader(file))
    assert {row["split"] for row in read} == {"train", "val", "test", "unused"}
    assert all((shades / row["path"]).is_file() for row in read)
    unused = [row["path"] for row in read if row["split"] == "unused"]
    assert unused == ["a/40, x.png", "b/41, x.png"]


def test_another_programs_file_is_read(shades: Path, tmp_path: Path) -> None:
    names = [path.relative_to(shades).as_posix() for path in sorted(shades.rglob("*.png"))]
    lines = [f'".\\{name.replace("/", chr(92))}";{"Training" if n % 3 else "valid"}' for n, name in enumerate(names)]
    (tmp_path / "mine.csv").write_bytes(("file;subset\r\n" + "\r\n".join(lines[:-4])).encode("utf-8-sig"))
    packed = pack(shades, tmp_path, split_file=str(tmp_path / "mine.csv"), test_fraction=0.25)
    assert packed.given_splits == ("train", "val")
    assert "4 images are not named in mine.csv and are left out" in packed.notes
    assert sum(packed.counts["test"]) == 9  # carved out of the 37 that train, as nothing was given
    assert set(packed.train.index) | set(packed.val.index) <= set(range(56))


def test_an_edited_split_is_another_pack(shades: Path, tmp_path: Path) -> None:
    file = saved(shades, tmp_path)
    first = pack(shades, tmp_path, split_file=str(file))
    file.write_text(file.read_text().replace("train", "val", 1))
    assert pack(shades, tmp_path, split_file=str(file)).counts["val"] != first.counts["val"]


@pytest.mark.parametrize(
    ("line", "law"),
    [
        ("a/99.png,train", r"every path must be an image of the source; 1 are not, such as 'a/99.png': line 62"),
        ('"a/00, x.png",tset', "did you mean test"),
        ('"a/00, x.png",unused', "must be in one split"),
    ],
)
def test_what_cannot_be_is_refused(shades: Path, tmp_path: Path, line: str, law: str) -> None:
    file = saved(shades, tmp_path)
    file.write_text(file.read_text() + line)
    with pytest.raises(DataError, match=law):
        pack(shades, tmp_path, split_file=str(file))


def test_a_class_left_out_is_refused(shades: Path, tmp_path: Path) -> None:
    (tmp_path / "half.csv").write_text("path,split\n" + "".join(f'"a/{n:02}, x.png",train\n' for n in range(0, 38, 2)))
    with pytest.raises(DataError, match="at least two classes; it has only 'a'"):
        pack(shades, tmp_path, split_file=str(tmp_path / "half.csv"))


def test_a_missing_file_and_two_answers_are_refused(shades: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is not a file; write one with `hpo data SOURCE --save-split`"):
        pack(shades, tmp_path, split_file=str(tmp_path / "gone.csv"))
    with pytest.raises(ValueError, match="split_file and split_column must not both be set"):
        DataConfig(split_file="a.csv", split_column="split")


def test_the_rows_of_a_split_are_those_of_the_pack(shades: Path) -> None:
    found = inspect_data(DataConfig(source=str(shades)))
    together = np.concatenate(list(found.rows.values()))
    assert sorted([*together.tolist(), 20, 50]) == list(range(60))
    assert [found.names[row] for row in (20, 50)] == ["a/40, x.png", "b/41, x.png"]
