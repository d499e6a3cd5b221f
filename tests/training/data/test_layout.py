"""Split folders or class folders: told by names and by content, and never taken for the other without a word."""

from pathlib import Path

import pytest
from hpo.errors import DataError
from hpo.training.data.arrange import locate
from hpo.training.data.config import DataConfig
from hpo.training.data.sources.base import Images, silent, split_in
from PIL import Image


def write(root: Path, *folders: str, count: int = 3) -> Path:
    for folder in folders:
        (root / folder).mkdir(parents=True, exist_ok=True)
        for number in range(count):
            Image.new("L", (4, 4), number).save(root / folder / f"{number}.png")
    return root


def read(root: Path) -> Images:
    return locate(DataConfig(source=str(root))).read(silent)


SPLIT = ("train/cat", "train/dog", "test/cat", "test/dog")


@pytest.mark.parametrize("third", ["annotations", "weights", "runs", "cat", "__MACOSX/train/cat"])
def test_a_third_folder_beside_the_splits_is_left_out_with_a_note(tmp_path: Path, third: str) -> None:
    images = read(write(tmp_path, *SPLIT, third))
    assert (images.class_names, images.given_splits) == (("cat", "dog"), ("train", "test"))
    assert images.notes == (f"the splits are test/ and train/; not used: {third.split('/')[0]}/",)
    assert len(images.labels) == 12


def test_a_third_folder_without_files_is_named_too(tmp_path: Path) -> None:
    (write(tmp_path, *SPLIT) / "weights").mkdir()
    assert read(tmp_path).notes == ("the splits are test/ and train/; not used: weights/",)


@pytest.mark.parametrize(
    "names",
    [
        ("Train", "Validation", "TEST"),
        ("train", "validate", "holdout"),
        ("train_set", "val_set", "test_set"),
        ("trainset", "valset", "testset"),
        ("seg_train", "seg_val", "seg_test"),
        ("train2017", "val2017", "test2017"),
        ("my training images", "my dev images", "my test images"),
    ],
)
def test_what_splits_are_called(tmp_path: Path, names: tuple[str, str, str]) -> None:
    images = read(write(tmp_path, *(f"{split}/{name}" for split in names for name in ("cat", "dog")), "other"))
    assert (images.class_names, images.given_splits) == (("cat", "dog"), ("train", "val", "test"))
    assert images.notes[-1].endswith("not used: other/")


def test_the_plain_names_come_before_longer_ones(tmp_path: Path) -> None:
    images = read(write(tmp_path, *SPLIT, "train_small/cat", "train_small/dog"))
    assert images.notes == ("the splits are test/ and train/; not used: train_small/",)


@pytest.mark.parametrize(
    "classes",
    [
        ("bus", "ship", "train"),
        ("bus", "train_station", "test_tube"),
        ("bus/red", "bus/blue", "train/steam", "car"),
        ("invalid", "valid"),
        ("training shoes/a", "training shoes/b", "sandals/a", "sandals/b"),
    ],
)
def test_a_class_may_have_a_splits_name(tmp_path: Path, classes: tuple[str, ...]) -> None:
    images = read(write(tmp_path, *classes))
    assert images.class_names == tuple(sorted({name.partition("/")[0] for name in classes}))
    assert images.given_splits == ()


@pytest.mark.parametrize(
    ("folders", "doubtful"),
    [
        (("train/cat", "train/dog", "annotations"), "train"),
        (("train/cat", "train/dog", "eval/cat", "eval/dog"), "train"),
        (("train/day", "train/night", "bus/day", "bus/night"), "train"),
        (("test/cat", "test/dog", "mine/cat", "mine/dog"), "test"),
        (("seg_train/cat", "seg_train/dog", "seg_pred"), "seg_train"),
    ],
)
def test_what_cannot_be_told_is_asked(tmp_path: Path, folders: tuple[str, ...], doubtful: str) -> None:
    with pytest.raises(DataError, match=f"{doubtful}/ holds .* it may be a split") as caught:
        read(write(tmp_path, *folders))
    assert f"give {tmp_path / doubtful}, or name the others" in str(caught.value)
    assert len(str(caught.value).splitlines()) == 2


def test_splits_without_class_folders_are_no_classes(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="/train must hold at least two class folders"):
        read(write(tmp_path, "train", "test", "weights"))


def test_the_word_of_a_split_is_found_in_a_name() -> None:
    assert split_in("seg_train") == split_in("Train-Images") == split_in("train2017") == "train"
    assert split_in("trains") is split_in("contest") is split_in("train_test") is None
