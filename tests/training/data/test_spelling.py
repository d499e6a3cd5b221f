"""Names that look the same are the same, in whichever Unicode form a file system or a program wrote them."""

import unicodedata
from pathlib import Path

import numpy as np
import pytest
from hpo.errors import DataError
from hpo.training.data.config import DataConfig
from hpo.training.data.inspect.survey import inspect_data
from hpo.training.data.pack import Pack
from hpo.training.data.preprocessing import Preprocessing
from hpo.training.data.split_file import read_split
from hpo.training.evaluation.subject import new_subject
from PIL import Image

NFC, NFD = "\xe9clair", "e\u0301clair"
BOTH = r"one class, written in two Unicode forms, NFC is kept: 'e\u0301clair' = '\xe9clair'"


def write(folder: Path, count: int = 10, shade: int = 0) -> None:
    folder.mkdir(parents=True)
    for number in range(count):
        Image.new("L", (8, 8), shade + number).save(folder / f"{shade + number:02}.png")


def test_two_class_folders_of_one_name_are_one_class(tmp_path: Path) -> None:
    write(tmp_path / NFC, shade=0)
    write(tmp_path / NFD, shade=20)
    write(tmp_path / "pain", shade=40)
    found = inspect_data(DataConfig(source=str(tmp_path)))
    assert found.class_names == ("pain", NFC)
    assert (found.labels == found.class_names.index(NFC)).sum() == 20
    assert found.notes == (BOTH,)
    assert {name.split("/")[0] for name in found.names} == {NFC, NFD, "pain"}


def test_the_splits_may_be_written_differently(tmp_path: Path) -> None:
    for part, name in (("train", NFD), ("test", NFC)):
        write(tmp_path / part / name)
        write(tmp_path / part / "pain", shade=20)
    found = inspect_data(DataConfig(source=str(tmp_path)))
    assert found.class_names == ("pain", NFC)
    assert found.given_splits == ("train", "test")
    assert found.notes == (BOTH,)


def test_one_class_left_names_both_forms(tmp_path: Path) -> None:
    write(tmp_path / NFC)
    write(tmp_path / NFD)
    with pytest.raises(DataError, match=r"only 'éclair'\n  one class, written in two Unicode forms"):
        inspect_data(DataConfig(source=str(tmp_path)))


def test_a_single_other_form_is_told(tmp_path: Path) -> None:
    write(tmp_path / NFD)
    write(tmp_path / "pain", shade=20)
    found = inspect_data(DataConfig(source=str(tmp_path)))
    assert found.notes == (r"class names are not in Unicode's NFC and were brought into it: éclair ('e\u0301clair')",)


def test_the_path_of_the_source_may_be_in_the_other_form(tmp_path: Path) -> None:
    write(tmp_path / NFD / "a")
    write(tmp_path / NFD / "b", shade=20)
    assert inspect_data(DataConfig(source=str(tmp_path / NFC))).class_names == ("a", "b")


@pytest.mark.parametrize(("on_disk", "in_table"), [("NFD", "NFC"), ("NFC", "NFD")])
def test_a_table_names_files_folders_labels_and_columns_in_any_form(
    tmp_path: Path, on_disk: str, in_table: str
) -> None:
    def disk(text: str) -> str:
        return unicodedata.normalize(on_disk, text)

    def table(text: str) -> str:
        return unicodedata.normalize(in_table, text)

    (tmp_path / disk("été")).mkdir()
    for number in range(20):
        Image.new("L", (8, 8), number).save(tmp_path / disk("été") / disk(f"thé{number}.png"))
    labels = [unicodedata.normalize("NFC" if number % 4 == 0 else "NFD", "café") for number in range(20)]
    rows = [
        f"{table('été')}/{table('thé')}{number},{label if number % 2 == 0 else 'b'}"
        for number, label in enumerate(labels)
    ]
    (tmp_path / "labels.csv").write_text("\n".join([f"path,{table('étiquette')}", *rows]), encoding="utf-8")
    column = {"label_column": disk("étiquette")}
    found = inspect_data(DataConfig.model_validate({"source": str(tmp_path), **column}))
    assert found.class_names == ("b", "café")
    assert len(found.names) == 20
    assert all((tmp_path / name).is_file() for name in found.names)
    assert any("20 names are those of files in another Unicode form" in note for note in found.notes)
    assert any(note.startswith("one class, written in two Unicode forms") for note in found.notes)


def test_two_files_that_differ_in_the_form_alone_are_told_apart(tmp_path: Path) -> None:
    for number, name in enumerate((NFC, NFD)):
        for row in range(3):
            Image.new("L", (8, 8), 10 * number + row).save(tmp_path / f"{name}{row}.png")
    rows = [f"{name}{row}.png,{label}\n" for name, label in ((NFC, "a"), (NFD, "b")) for row in range(3)]
    (tmp_path / "labels.csv").write_text("path,label\n" + "".join(rows), encoding="utf-8")
    found = inspect_data(DataConfig(source=str(tmp_path)))
    label = dict(zip(found.names, found.labels.tolist(), strict=True))
    assert {name: found.class_names[label[f"{name}0.png"]] for name in (NFC, NFD)} == {NFC: "a", NFD: "b"}
    split = "path,split\n" + f"{NFC}0.png,val\n{NFD}0.png,test\n"
    (tmp_path / "split.csv").write_text(split, encoding="utf-8")
    parts = read_split(tmp_path / "split.csv", [f"{NFC}0.png", f"{NFD}0.png"])[0]
    assert parts.tolist() == ["val", "test"]


def test_a_split_file_names_images_in_any_form(tmp_path: Path) -> None:
    (tmp_path / "split.csv").write_text(f"path,split\n{NFC}/1.png,val\nb/2.png,train\n", encoding="utf-8")
    assert read_split(tmp_path / "split.csv", [f"{NFD}/1.png", "b/2.png"])[0].tolist() == ["val", "train"]


def test_groups_are_of_one_name(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        for number in range(12):
            film = (NFC, NFD)[number % 2] if number < 6 else f"film{number}"
            Image.new("L", (8, 8), number).save(tmp_path / name / f"{film}_{number}.png")
    settings = {"source": str(tmp_path), "group_pattern": f"({NFD}|film\\d+)_"}
    found = inspect_data(DataConfig.model_validate(settings))
    splits = [split for name, split in zip(found.names, found.splits, strict=True) if "clair" in name]
    assert len(set(splits)) == 1
    assert "7 groups" in " ".join(found.notes)


@pytest.mark.parametrize(("trained", "new"), [(NFC, NFD), (NFD, NFC)])
def test_new_data_are_matched_with_the_classes_of_a_model(
    tmp_path: Path, digits_pack: Path, trained: str, new: str
) -> None:
    write(tmp_path / new)
    write(tmp_path / "pain", shade=20)
    how = Preprocessing.of(Pack.open(digits_pack))
    subject = new_subject(DataConfig(source=str(tmp_path)), None, ("pain", trained), how, lambda *step: None)
    names = subject.names(range(20))
    assert np.array_equal(subject.labels, [0 if name.startswith("pain") else 1 for name in names])


ALIKE = ("1", "01", "1.0", "+1", "10", "Cat", "cat", "NaN", "nan", "cats", "1e0")
TOLD = "names that differ only in case, or in how a number is written, are told apart: "


def test_names_that_may_be_one_are_classes_of_their_own_and_told(tmp_path: Path) -> None:
    for number, name in enumerate(ALIKE):
        write(tmp_path / name, shade=20 * number)
    found = inspect_data(DataConfig(source=str(tmp_path)))
    assert found.class_names == tuple(sorted(ALIKE))
    assert found.notes == (f"class {TOLD}+1 = 01 = 1 = 1.0, Cat = cat, NaN = nan",)


def test_labels_and_groups_that_may_be_one_are_told(tmp_path: Path) -> None:
    write(tmp_path / "images", 40)
    labels, groups = ["1", "1.0", "2", "nan"], ["12345678901234567890", "12345678901234567891", "A7", "a7", "b"]
    rows = [f"{number:02}.png,{labels[number % 4]},{groups[number % 5]}" for number in range(40)]
    (tmp_path / "labels.csv").write_text("\n".join(["path,label,group", *rows]))
    notes = inspect_data(DataConfig(source=str(tmp_path))).notes
    assert f"class {TOLD}1 = 1.0" in notes
    assert f"group {TOLD}A7 = a7" in notes
    assert "labels.csv: 10 rows have the label 'nan', as many programs write what is missing; it is a class" in notes
