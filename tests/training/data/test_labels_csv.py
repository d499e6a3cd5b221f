"""CSV files of labels, in every shape that people have them, and what is refused."""

import codecs
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hpo.errors import DataError
from hpo.training.data.config import DataConfig
from hpo.training.data.pack import Pack
from hpo.training.data.prepare import prepare
from PIL import Image

Write = Callable[..., Path]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Forty pictures in images/, of a shade that is their number."""
    folder = tmp_path / "data" / "images"
    folder.mkdir(parents=True)
    for number in range(40):
        Image.new("L", (8, 8), number).save(folder / f"{number:02}.png")
    return tmp_path / "data"


def kind(number: int) -> str:
    return ("cat", "dog")[number % 2]


def rows(pattern: str = "images/{:02}.png,{}", count: int = 40) -> list[str]:
    return [pattern.format(number, kind(number)) for number in range(count)]


def write(root: Path, lines: list[str], header: str = "path,label", name: str = "labels.csv") -> Path:
    (root / name).write_text("\n".join([header, *lines]) + "\n")
    return root / name


def pack(source: Path, **settings: object) -> Pack:
    config = DataConfig.model_validate({"source": str(source), **settings})
    return prepare(config, cache=source.absolute().parent / ".cache")


def refused(source: Path, **settings: object) -> str:
    with pytest.raises(DataError) as caught:
        pack(source, **settings)
    message = str(caught.value)
    assert len(message.splitlines()) <= 3
    return message


def labelled(packed: Pack) -> dict[int, str]:
    """Class by shade, of training and validation."""
    split = packed.train_and_val
    return {
        int(image[0, 0, 0]): packed.class_names[label] for image, label in zip(split.images, split.labels, strict=True)
    }


def test_a_file_and_the_folder_that_holds_it(root: Path) -> None:
    file = write(root, rows())
    packed = pack(root)
    assert packed.class_names == ("cat", "dog")
    assert packed.counts == {"train": (16, 16), "val": (2, 2), "test": (2, 2)}
    assert all(kind(shade) == name for shade, name in labelled(packed).items())
    assert len(labelled(packed)) == 36
    assert pack(file).fingerprint == packed.fingerprint
    assert (packed.source, packed.notes, packed.skipped) == ("data", (), ())


def test_a_registered_name_is_no_file_and_another_file_has_its_own_name(root: Path) -> None:
    write(root, rows(), name="animals.csv")
    assert pack(root / "animals.csv").source == "animals"


@pytest.mark.parametrize(
    ("header", "pattern"),
    [
        ("filename;class", "images/{:02}.png;{}"),
        ("File_Name\tCategory", "images/{:02}.png\t{}"),
        ("id,y", "{:02},{}"),
        ("image,extra,target", "{:02}.png,x,{}"),
        ('"path", "label"', '"images/{:02}.png", "{}"'),
        ("path,label", "images\\{:02}.png,{}"),
        ("path,label", "./images/../images/{:02}.png,{}"),
        ("path,label", "images/{:02}.png,{},,"),
    ],
)
def test_columns_delimiters_and_names(root: Path, header: str, pattern: str) -> None:
    write(root, rows())
    expected = pack(root)
    write(root, rows(pattern), header)
    packed = pack(root)
    assert packed.fingerprint == expected.fingerprint
    assert labelled(packed) == labelled(expected)


@pytest.mark.parametrize(
    "encoded",
    [
        lambda text: codecs.BOM_UTF8 + text.encode(),
        lambda text: text.replace("\n", "\r\n").encode(),
        lambda text: text.replace("\n", "\r").encode(),
        lambda text: text.encode("utf-16"),
        lambda text: codecs.BOM_UTF16_BE + text.encode("utf-16-be"),
        lambda text: ("\n\n" + text + "\n\n,\n").encode(),
    ],
)
def test_marks_line_ends_and_encodings(root: Path, encoded: Callable[[str], bytes]) -> None:
    text = write(root, [line.replace("cat", "chât") for line in rows()]).read_text()
    (root / "labels.csv").write_bytes(encoded(text))
    packed = pack(root)
    assert packed.class_names == ("chât", "dog")
    assert packed.notes == ()


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1"])
def test_western_encodings_are_read_and_told(root: Path, encoding: str) -> None:
    text = write(root, [line.replace("cat", "chât") for line in rows()]).read_text()
    (root / "labels.csv").write_bytes(text.encode(encoding))
    packed = pack(root)
    assert packed.class_names == ("chât", "dog")
    assert packed.notes == ("labels.csv is not UTF-8; it was read as Windows-1252",)


@pytest.mark.parametrize("row", ["images/00.png,ch\x81t", "images/00.png,\x8d"])
def test_what_cannot_be_decoded_is_refused_with_its_line(root: Path, row: str) -> None:
    write(root, rows())
    text = (root / "labels.csv").read_bytes() + row.encode("latin-1")
    (root / "labels.csv").write_bytes(text)
    assert "labels.csv:42: it cannot be told which encoding the text is in" in refused(root)


def test_a_file_that_is_no_text_is_refused(root: Path) -> None:
    (root / "labels.csv").write_bytes(b"path,label\0\0\0")
    assert "is not a text file" in refused(root)


def test_numbers_are_ordered_as_numbers(root: Path) -> None:
    write(root, [f"images/{number:02}.png,{number % 11}" for number in range(40)])
    assert pack(root).class_names == tuple(map(str, range(11)))


def test_columns_by_name(root: Path) -> None:
    write(root, rows("images/{0:02}.png,x,{1}"), "path,label,species")
    assert "at least two classes; it has only 'x'" in refused(root)
    assert pack(root, label_column="Species").class_names == ("cat", "dog")
    assert "data.label_column" in refused(root, label_column="specie")
    assert "did you mean species?" in refused(root, label_column="specie")


def test_an_unknown_header_is_refused_with_what_it_has(root: Path) -> None:
    (root / "labels.csv").write_text("\n".join(rows()))
    message = refused(root)
    assert "first line must name the columns, one of them path or file or filename" in message
    assert "it has 'images/00.png', 'cat'; say which it is with data.path_column" in message


def test_a_column_of_what_has_none_is_refused(root: Path) -> None:
    assert "digits is none and holds no labels.csv" in refused_name("digits", label_column="x")
    write(root, rows())
    (root / "labels.csv").unlink()
    assert "columns, images and encoding are of a CSV file" in refused(root, group_column="x")


def refused_name(name: str, **settings: object) -> str:
    with pytest.raises(DataError) as caught:
        prepare(DataConfig.model_validate({"source": name, **settings}), cache=Path("never"))
    return str(caught.value)


def test_few_missing_files_are_skipped_and_named_by_line(root: Path) -> None:
    write(root, [*rows(), "images/gone.png,cat", "gone too.png,dog"])
    packed = pack(root)
    assert [(entry.path, entry.reason) for entry in packed.skipped] == [
        ("images/gone.png", "no such file (labels.csv, line 42)"),
        ("gone too.png", "no such file (labels.csv, line 43)"),
    ]
    assert sum(map(sum, packed.counts.values())) == 40


def test_many_missing_files_stop_with_lines_and_their_number(root: Path) -> None:
    write(root, [*rows(), *(f"gone{number}.png,cat" for number in range(7))])
    message = refused(root)
    assert "7 of 47 rows name a file that is not there" in message
    assert "labels.csv:42: gone0.png; labels.csv:43: gone1.png" in message
    assert "and so on" in message


def test_repeated_rows_are_dropped_and_told(root: Path) -> None:
    write(root, [*rows(), *rows(count=3), "./images/00.png,cat"])
    packed = pack(root)
    assert packed.notes == ("4 rows repeat an earlier row and were dropped",)
    assert sum(map(sum, packed.counts.values())) == 40


@pytest.mark.parametrize(
    ("header", "row", "law"),
    [
        ("path,label,split,group", "images/00.png,dog,train,a", "one label, it has two"),
        ("path,label,split,group", "images/00.png,cat,test,a", "one split, it has two"),
        ("path,label,split,group", "images/00.png,cat,train,b", "one group, it has two"),
    ],
)
def test_a_file_that_is_two_things_is_refused(root: Path, header: str, row: str, law: str) -> None:
    write(root, [*rows("images/{:02}.png,{},train,a"), row], header)
    message = refused(root)
    assert law in message
    assert "by labels.csv:2" in message
    assert "by labels.csv:42" in message


@pytest.mark.parametrize(
    ("line", "law"),
    [
        ("images/00.png", "every row must have 2 cells as its header has; 1 have not: line 42"),
        ("images/00.png,cat,dog", "every row must have 2 cells"),
        ("images/00.png,", "every row needs a label; 1 have none: line 42"),
    ],
)
def test_rows_that_are_not_whole_are_refused(root: Path, line: str, law: str) -> None:
    write(root, [*rows(), line])
    assert law in refused(root)


def test_a_header_alone_is_refused(root: Path) -> None:
    write(root, [])
    assert "no rows below its header" in refused(root)


def test_a_cell_beyond_what_csv_allows_is_refused(root: Path) -> None:
    write(root, [*rows(), f"{'x' * 200_000},cat"])
    assert "not a CSV file: field larger than field limit" in refused(root)


def split_rows(names: tuple[str, str, str]) -> list[str]:
    parts = [names[2] if number < 6 else names[1] if number < 12 else names[0] for number in range(40)]
    return [f"{row},{part}" for row, part in zip(rows(), parts, strict=True)]


@pytest.mark.parametrize(
    "names", [("train", "val", "test"), ("Training", "dev", "TESTING"), ("train", "valid", "test")]
)
def test_a_split_column(root: Path, names: tuple[str, str, str]) -> None:
    write(root, split_rows(names), "path,label,split")
    packed = pack(root)
    assert packed.counts == {"train": (14, 14), "val": (3, 3), "test": (3, 3)}
    assert packed.given_splits == ("train", "val", "test")


def test_a_split_that_is_none_is_refused(root: Path) -> None:
    write(root, [*rows("images/{:02}.png,{},train")[:39], "images/39.png,dog,tset"], "path,label,split")
    assert "labels.csv:41: no split is called 'tset'; did you mean test?" in refused(root)


def test_a_class_that_nothing_trains_on_is_refused(root: Path) -> None:
    write(root, [*rows("images/{:02}.png,{},train")[:39], "images/39.png,dgo,test"], "path,label,split")
    assert "class 'dgo' has no images to train on; did you mean dog?" in refused(root)


def test_splits_by_files(root: Path) -> None:
    everything = rows()
    for name, part in (("train.csv", everything[12:]), ("valid.csv", everything[6:12]), ("test.csv", everything[:6])):
        write(root, part, name=name)
    packed = pack(root)
    assert packed.counts == {"train": (14, 14), "val": (3, 3), "test": (3, 3)}
    (root / "test.csv").write_text("path,label\n" + everything[20])
    assert "one split, it has two" in refused(root)


def test_an_edited_table_is_another_pack(root: Path) -> None:
    write(root, rows())
    first = pack(root)
    write(root, [*rows()[:39], "images/39.png,cat"])
    assert pack(root).fingerprint != first.fingerprint


def test_absolute_names_and_names_above(root: Path, tmp_path: Path) -> None:
    lines = rows(f"{root}/images/{{:02}}.png,{{}}")
    write(tmp_path, lines)
    write(root, rows())
    assert np.array_equal(pack(tmp_path).train.images, pack(root).train.images)
    (root / "tables").mkdir()
    write(root / "tables", rows("../images/{:02}.png,{}"))
    assert np.array_equal(pack(root / "tables").train.images, pack(root).train.images)
