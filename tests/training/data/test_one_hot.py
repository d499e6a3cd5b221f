"""Tables with a column for each class."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from hpo.errors import DataError
from hpo.training.data.config import DataConfig
from hpo.training.data.inspect.inspection import Inspection
from hpo.training.data.inspect.survey import inspect_data
from PIL import Image

COUNT = 30
NAMES = ("fox", "cat", "dog")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "images").mkdir()
    for number in range(COUNT):
        Image.new("L", (8, 8), number).save(tmp_path / "images" / f"{number}.png")
    return tmp_path


def write(root: Path, header: str, rows: Sequence[str]) -> None:
    (root / "labels.csv").write_text("\n".join([header, *rows]) + "\n")


def ones(number: int, one: str = "1", zero: str = "0") -> str:
    return ",".join(one if number % 3 == column else zero for column in range(3))


def look(root: Path, **settings: object) -> Inspection:
    return inspect_data(DataConfig.model_validate({"source": str(root), **settings}))


def refused(root: Path, **settings: object) -> str:
    with pytest.raises(DataError) as caught:
        look(root, **settings)
    assert len(str(caught.value).splitlines()) <= 3
    return str(caught.value)


@pytest.mark.parametrize(("one", "zero"), [("1", "0"), ("1.0", "0.0"), ("True", "False")])
@pytest.mark.parametrize("key", ["file", "image_id", "id"])
def test_each_row_is_of_the_class_whose_column_has_the_one(root: Path, one: str, zero: str, key: str) -> None:
    write(root, f"{key},fox,cat,dog", [f"{number}.png,{ones(number, one, zero)}" for number in range(COUNT)])
    found = look(root)
    assert found.class_names == ("cat", "dog", "fox")
    for name, label in zip(found.names, found.labels, strict=True):
        assert found.class_names[label] == NAMES[int(Path(name).stem) % 3]
    assert found.notes == ("labels.csv: the classes are the columns fox, cat, dog, of which each row has a 1 in one",)


def test_splits_and_groups_stand_beside_them(root: Path) -> None:
    parts = ["train"] * 18 + ["val"] * 6 + ["test"] * 6
    rows = [f"{number}.png,{ones(number)},{parts[number]},{number // 3}" for number in range(COUNT)]
    write(root, "file,fox,cat,dog,split,group", rows)
    assert look(root).counts == {"train": (6, 6, 6), "val": (2, 2, 2), "test": (2, 2, 2)}


@pytest.mark.parametrize("wrong", ["1,1,0", "0,0,0"])
def test_several_labels_and_none_are_refused_with_the_lines(root: Path, wrong: str) -> None:
    write(root, "file,fox,cat,dog", [f"{n}.png,{wrong if n in (3, 5) else ones(n)}" for n in range(COUNT)])
    message = refused(root)
    assert "every row must have a 1 in one of the columns fox, cat, dog; 2 have several or none: lines 5, 7" in message
    assert "several labels for one image are not supported" in message


def test_columns_that_are_no_classes_are_left_out_by_naming_the_classes(root: Path) -> None:
    rows = [f"{number}.png,{number % 2},{ones(number)},{number}" for number in range(COUNT)]
    write(root, "file,indoors,fox,cat,dog,width", rows)
    assert "say which it is with data.label_column" in refused(root)
    assert "or the columns of one class each with data.classes" in refused(root)
    assert look(root, classes=["fox", "cat", "dog"]).class_names == ("fox", "cat", "dog")


def test_rows_of_other_classes_are_left_out(root: Path) -> None:
    write(root, "file,fox,cat,dog", [f"{number}.png,{ones(number)}" for number in range(COUNT)])
    found = look(root, classes=["fox", "cat"])
    assert (found.class_names, len(found.names)) == (("fox", "cat"), 20)
    assert found.notes == (
        "labels.csv: the classes are the columns fox, cat, of which each row has a 1 in one; 10 rows have it in none, "
        "and are not used",
    )


def test_a_column_without_any_image_is_told(root: Path) -> None:
    write(root, "file,fox,cat,dog,owl", [f"{number}.png,{ones(number)},0" for number in range(COUNT)])
    found = look(root)
    assert found.class_names == ("cat", "dog", "fox")
    assert found.notes[0].endswith("; no row has it in owl")


def test_a_label_column_comes_first(root: Path) -> None:
    write(root, "file,label,fox,cat", [f"{number}.png,{'ab'[number % 2]},1,0" for number in range(COUNT)])
    assert look(root).class_names == ("a", "b")


@pytest.mark.parametrize("rows", ["{}.png,0.5,0.5", "{}.png,1,", "{}.png,2,1"])
def test_other_numbers_are_no_classes(root: Path, rows: str) -> None:
    write(root, "file,cat,dog", [rows.format(number) for number in range(COUNT)])
    assert "say which it is with data.label_column" in refused(root)
