"""Which file a name in a table means, where it could be several: by rule, by `data.images`, or asked."""

import csv
from collections.abc import Sequence
from pathlib import Path

import pytest
from hpo.errors import DataError
from hpo.search.resolve.data import choose_labelled
from hpo.training.data.config import DataConfig
from hpo.training.data.inspect.inspection import Inspection
from hpo.training.data.inspect.survey import inspect_data
from hpo.training.data.prepare import prepare
from PIL import Image

COUNT = 12


def pictures(folder: Path, shade: int = 0, *, names: str = "{}.png", count: int = COUNT) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        Image.new("L", (8, 8), shade + number).save(folder / names.format(number))


def table(path: Path, names: str = "{}.png", parts: Sequence[str] = ()) -> Path:
    rows = [[names.format(number), "ab"[number % 2], *parts[number : number + 1]] for number in range(COUNT)]
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["path", "label", "split"][: len(rows[0])], *rows])
    return path


def look(source: Path, **settings: object) -> Inspection:
    return inspect_data(DataConfig.model_validate({"source": str(source), **settings}))


def folders(found: Inspection) -> set[str]:
    return {name.rpartition("/")[0] for name in found.names}


def refused(source: Path, **settings: object) -> str:
    with pytest.raises(DataError) as caught:
        look(source, **settings)
    assert len(str(caught.value).splitlines()) <= 3
    return str(caught.value)


@pytest.mark.parametrize("names", ["{}.png", "{}"])
@pytest.mark.parametrize(
    ("file", "folder", "other"),
    [
        ("train.csv", "train", "test"),
        ("train_labels.csv", "train_images", "test_images"),
        ("test.csv", "test", "train"),
        ("Valid.csv", "validation", "train"),
        ("train.csv", "train", "annotations"),
    ],
)
def test_the_folder_named_like_the_split_of_the_table(
    tmp_path: Path, file: str, folder: str, other: str, names: str
) -> None:
    pictures(tmp_path / folder)
    pictures(tmp_path / other, 100)
    found = look(table(tmp_path / file, names))
    assert folders(found) == {folder}
    assert found.notes[0] == (
        f"{file}: of names that several folders hold, those in the folder of their split count: {folder}/"
    )


def test_names_that_the_folder_of_the_split_lacks_are_not_taken_from_another(tmp_path: Path) -> None:
    pictures(tmp_path / "train", count=COUNT - 3)
    pictures(tmp_path / "test", 100)
    assert "3 of 12 rows name a file that is not there" in refused(table(tmp_path / "train.csv"))


def test_each_row_is_looked_for_in_the_folder_of_its_split(tmp_path: Path) -> None:
    for number, part in enumerate(("train", "val", "test")):
        pictures(tmp_path / part, 50 * number)
    parts = ["train"] * 8 + ["val"] * 2 + ["test"] * 2
    table(tmp_path / "labels.csv", parts=parts)
    found = look(tmp_path)
    assert [name.split("/")[0] for name in found.names] == parts


def test_a_split_of_rows_need_not_have_folders(tmp_path: Path) -> None:
    pictures(tmp_path / "train")
    parts = ["train"] * 8 + ["val"] * 2 + ["test"] * 2
    table(tmp_path / "labels.csv", parts=parts)
    found = look(tmp_path)
    assert (folders(found), found.given_splits) == ({"train"}, ("train", "val", "test"))


def test_several_places_are_asked_about_with_the_key_that_decides(tmp_path: Path) -> None:
    pictures(tmp_path / "images")
    pictures(tmp_path / "annotations", 100)
    table(tmp_path / "labels.csv")
    message = refused(tmp_path)
    assert "labels.csv: 12 names are those of more than one file\n  0.png: annotations/0.png, images/0.png\n" in message
    assert message.endswith("data.images says which are meant: annotations/ or images/")


@pytest.mark.parametrize("images", ["images/", "images", "./images", "{root}/images", "images/*", "images/*.png"])
def test_the_key_decides_and_is_said(tmp_path: Path, images: str) -> None:
    pictures(tmp_path / "images")
    pictures(tmp_path / "annotations", 100)
    names = "{}" if images.endswith(".png") else "{}.png"
    table(tmp_path / "labels.csv", names)
    chosen = images.format(root=tmp_path)
    found = look(tmp_path, images=chosen)
    assert folders(found) == {"images"}
    assert found.notes[0] == f"labels.csv: the images are those in {chosen} (data.images)"


def test_the_photograph_and_its_mask_side_by_side(tmp_path: Path) -> None:
    pictures(tmp_path / "images", names="{}.jpg")
    pictures(tmp_path / "images", 100, names="{}.png")
    pictures(tmp_path / "images", 200, names="{}_depth.png")
    table(tmp_path / "labels.csv", "{}")
    message = refused(tmp_path)
    assert "0: images/0.jpg, images/0.png" in message
    assert message.endswith("data.images says which are meant: images/*.jpg or images/*.png")
    assert look(tmp_path, images="images/*.jpg").names[0] == "images/0.jpg"
    assert look(tmp_path, images="images/*_depth.png").names[0] == "images/0_depth.png"


def test_names_with_the_extension_mean_that_file(tmp_path: Path) -> None:
    pictures(tmp_path / "images", names="{}.jpg")
    pictures(tmp_path / "images", 100, names="{}.png")
    assert look(table(tmp_path / "labels.csv", "{}.jpg")).names[0] == "images/0.jpg"


def test_files_of_the_same_names_that_are_no_images_give_way(tmp_path: Path) -> None:
    pictures(tmp_path / "images")
    (tmp_path / "annotations").mkdir()
    for number in range(COUNT):
        (tmp_path / "annotations" / f"{number}.png").write_text("polygon 1 2 3 4")
    found = look(table(tmp_path / "labels.csv"))
    assert folders(found) == {"images"}
    assert "labels.csv: not images, and not used: annotations/" in found.notes


def test_the_path_as_it_stands_comes_first(tmp_path: Path) -> None:
    pictures(tmp_path)
    pictures(tmp_path / "thumbs", 100)
    assert folders(look(table(tmp_path / "labels.csv"))) == {""}
    pictures(tmp_path / "backup" / "thumbs", 200)
    assert folders(look(table(tmp_path / "labels.csv", "thumbs/{}.png"))) == {"thumbs"}


def test_names_in_several_folders_that_share_none_are_all_found(tmp_path: Path) -> None:
    pictures(tmp_path / "part_1", count=5)
    pictures(tmp_path / "part_2")
    for number in range(5):
        (tmp_path / "part_2" / f"{number}.png").unlink()
    found = look(table(tmp_path / "labels.csv"))
    assert (folders(found), found.notes) == ({"part_1", "part_2"}, ())


def test_a_link_to_the_same_files_is_no_second_place(tmp_path: Path) -> None:
    pictures(tmp_path / "images")
    (tmp_path / "all").symlink_to("images")
    (tmp_path / "flat").mkdir()
    for number in range(COUNT):
        (tmp_path / "flat" / f"{number}.png").symlink_to(f"../images/{number}.png")
    assert len(look(table(tmp_path / "labels.csv")).names) == COUNT


def test_another_choice_is_another_pack_and_a_new_rival_is_noticed(tmp_path: Path) -> None:
    root = tmp_path / "data"
    pictures(root / "images")
    table(root / "labels.csv")
    first = prepare(DataConfig(source=str(root)), cache=tmp_path / "cache")
    pictures(root / "masks", 100)
    with pytest.raises(DataError, match=r"data\.images"):
        prepare(DataConfig(source=str(root)), cache=tmp_path / "cache")
    same = prepare(DataConfig(source=str(root), images="images/"), cache=tmp_path / "cache")
    other = prepare(DataConfig(source=str(root), images="masks/"), cache=tmp_path / "cache")
    assert same.fingerprint == first.fingerprint != other.fingerprint


def test_what_the_key_cannot_be(tmp_path: Path) -> None:
    pictures(tmp_path / "images")
    table(tmp_path / "labels.csv")
    assert "/image is not a folder; did you mean images/?" in refused(tmp_path, images="image/")
    assert "12 of 12 rows" in (message := refused(tmp_path, images="images/*.jpg"))
    assert message.endswith("names are meant in images/*.jpg (data.images)")
    for images in ("*/a", "a**.png", ""):
        with pytest.raises(ValueError, match="images"):
            DataConfig(images=images)
    with pytest.raises(DataError, match="columns, images and encoding are of a CSV file, and digits is none"):
        inspect_data(DataConfig(source="digits", images="images/"))


def test_new_data_do_not_take_the_folder_of_the_old(tmp_path: Path) -> None:
    file = table(tmp_path / "test.csv")
    trained = DataConfig(source="train.csv", images="train/", encoding="gb18030", label_column="label")
    assert choose_labelled(str(file), [], trained) == DataConfig(source=str(file), label_column="label")
    told = choose_labelled(str(file), ["data.images=test/", "data.encoding=utf-8"], trained)
    assert (told.images, told.encoding) == ("test/", "utf-8")


def test_two_tables_of_one_split_and_what_no_table_names(tmp_path: Path) -> None:
    pictures(tmp_path / "train")
    pictures(tmp_path / "test", 100, names="t{}.png")
    table(tmp_path / "train.csv")
    assert look(tmp_path).notes == ("train.csv says which images there are; not used: test/",)
    table(tmp_path / "training.csv")
    assert "at most once each; it has train.csv, training.csv" in refused(tmp_path)
    table(tmp_path / "labels.csv")
    assert look(tmp_path).notes[-1] == (
        "labels.csv says which images there are; not used: train.csv, training.csv, test/"
    )


@pytest.mark.parametrize("given", ["", "train.csv"])
@pytest.mark.parametrize("folder", ["test", "Test", "seg_test", "val"])
def test_split_folders_that_a_table_leaves_out_are_named(tmp_path: Path, given: str, folder: str) -> None:
    pictures(tmp_path / "train")
    pictures(tmp_path / folder / "a", 100, names="t{}.png")
    table(tmp_path / "train.csv", "train/{}.png")
    table(tmp_path / "test_labels.csv", "t{}.png")
    (note,) = look(tmp_path / given).notes
    assert note == f"train.csv says which images there are; not used: test_labels.csv, {folder}/"
