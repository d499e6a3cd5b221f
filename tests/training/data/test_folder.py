"""A folder of class folders, in every shape that people have it."""

import os
from pathlib import Path

import numpy as np
import pytest
from hpo.errors import DataError
from hpo.training.data.config import DataConfig
from hpo.training.data.pack import Pack, open_test
from hpo.training.data.prepare import prepare
from PIL import Image


def write(path: Path, count: int = 10, *, size: tuple[int, int] = (12, 12), grey: bool = False) -> None:
    """`count` images of random shades in folder `path`."""
    path.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(sum(str(path.name).encode()))
    for number in range(count):
        shape = size[::-1] if grey else (*size[::-1], 3)
        Image.fromarray(random.integers(0, 256, shape, dtype=np.uint8)).save(path / f"{number:03}.png")


def pack(tmp_path: Path, root: Path, **settings: object) -> Pack:
    config = DataConfig.model_validate({"source": str(root), **settings})
    return prepare(config, cache=tmp_path / "cache")


@pytest.fixture
def animals(tmp_path: Path) -> Path:
    for name in ("cat", "dog"):
        write(tmp_path / "animals" / name, 20)
    return tmp_path / "animals"


def test_class_folders(tmp_path: Path, animals: Path) -> None:
    packed = pack(tmp_path, animals)
    assert packed.class_names == ("cat", "dog")
    assert {part: sum(counts) for part, counts in packed.counts.items()} == {"train": 32, "val": 4, "test": 4}
    assert (packed.source, packed.split_given, packed.image_size, packed.channels) == ("animals", False, 12, 3)
    names = sorted(path.relative_to(animals) for path in animals.rglob("*.png"))
    for split in (packed.train, packed.val):
        for image, label, row in zip(split.images, split.labels, split.index, strict=True):
            assert names[row].parent.name == packed.class_names[label]
            assert np.array_equal(image, np.asarray(Image.open(animals / names[row])))


@pytest.mark.parametrize("val", [None, "val", "valid", "validation"])
def test_given_splits(tmp_path: Path, val: str | None) -> None:
    root = tmp_path / "data"
    for split, count in (("train", 20), ("test", 5), *([(val, 4)] if val else [])):
        for name in ("cat", "dog"):
            write(root / split / name, count)
    packed = pack(tmp_path, root)
    assert packed.counts["test"] == (5, 5)
    assert packed.counts["val"] == ((4, 4) if val else (2, 2))
    assert packed.given_splits == (("train", "val", "test") if val else ("train", "test"))


def test_a_void_fraction_does_not_make_another_pack(tmp_path: Path) -> None:
    for split in ("train", "test"):
        for name in ("a", "b"):
            write(tmp_path / "data" / split / name)
    first = pack(tmp_path, tmp_path / "data")
    assert pack(tmp_path, tmp_path / "data", test_fraction=0.3) == first
    assert pack(tmp_path, tmp_path / "data", batch_size=7) == first
    assert pack(tmp_path, tmp_path / "data", val_fraction=0.3) != first


def test_a_class_may_be_called_train(tmp_path: Path) -> None:
    for name in ("train", "bus", "ship"):
        write(tmp_path / "vehicles" / name)
    assert pack(tmp_path, tmp_path / "vehicles").class_names == ("bus", "ship", "train")


def test_nested_hidden_and_litter(tmp_path: Path, animals: Path) -> None:
    write(animals / "cat" / "2024" / "may", 5)
    write(animals / ".thumbnails", 5)
    write(animals / "cat" / ".cache", 5)
    (animals / "dog" / ".DS_Store").write_bytes(b"x")
    (animals / "dog" / "Thumbs.db").write_bytes(b"x")
    (animals / "README.md").write_text("not in a class folder")
    packed = pack(tmp_path, animals)
    assert [sum(split[number] for split in packed.counts.values()) for number in (0, 1)] == [25, 20]
    assert packed.skipped == ()


def test_links_are_followed_but_not_in_circles(tmp_path: Path, animals: Path) -> None:
    write(tmp_path / "more", 3)
    (animals / "cat" / "more").symlink_to(tmp_path / "more")
    (animals / "cat" / "up").symlink_to(animals / "cat")
    (animals / "dog" / "nothing.png").symlink_to(tmp_path / "gone.png")
    os.mkfifo(animals / "dog" / "pipe")
    packed = pack(tmp_path, animals)
    assert sum(split[0] for split in packed.counts.values()) == 23
    assert [entry.path for entry in packed.skipped] == ["dog/nothing.png"]


def test_unreadable_files_are_named_and_the_rest_is_used(tmp_path: Path) -> None:
    for name in ("cat", "dog"):
        write(tmp_path / "data" / name, 50)
    (tmp_path / "data" / "cat" / "notes.gif").write_text("hello")
    whole = tmp_path / "data" / "dog" / "000.png"
    whole.write_bytes(whole.read_bytes()[:100])
    packed = pack(tmp_path, tmp_path / "data")
    assert [(entry.path, entry.reason.split(":")[0]) for entry in packed.skipped] == [
        ("cat/notes.gif", "text, not an image"),
        ("dog/000.png", "damaged or cut short"),
    ]
    assert sum(map(sum, packed.counts.values())) == 99
    assert Pack.open(packed.path) == packed


def test_many_unreadable_files_stop_before_training(tmp_path: Path, animals: Path) -> None:
    for number in range(3):
        (animals / "cat" / f"{number}.gif").write_text("hello")
    with pytest.raises(DataError, match=r"(?s)at most 5 %.*got 3 of 43.*cat/0.gif: text, not an image") as caught:
        pack(tmp_path, animals)
    assert len(str(caught.value).splitlines()) == 3
    assert [path for path in (tmp_path / "cache").iterdir() if not path.name.startswith(".")] == []


@pytest.mark.parametrize(
    ("sizes", "side", "why"),
    [
        ({(12, 12): 40}, 12, "every image has it"),
        ({(12, 12): 38, (400, 5): 1, (1, 1): 1}, 12, "38 of 40 images have it"),
        ({(12, 12): 37, (400, 5): 1, (1, 1): 2}, 64, "fewer than 95% of the images share one square size"),
        ({(20, 30): 40}, 64, "the default, as every image is 20x30, which is not square"),
        ({(20, 30): 39, (12, 12): 1}, 64, "(most often 20x30: 39)"),
        ({(2, 2): 40}, 64, "the default, as every image is 2x2, and 4 to 1024 is possible"),
    ],
)
def test_the_size_that_nearly_all_share_is_kept_if_it_is_square(
    tmp_path: Path, sizes: dict[tuple[int, int], int], side: int, why: str
) -> None:
    for size, count in sizes.items():
        for name in ("a", "b"):
            write(tmp_path / "data" / name / f"{size[0]}", count, size=size)
    packed = pack(tmp_path, tmp_path / "data")
    assert packed.image_size == side
    assert why in packed.image_size_from.replace("76 of 80", "38 of 40").replace(": 78)", ": 39)")
    assert pack(tmp_path, tmp_path / "data", image_size=16).train.images.shape[1:] == (16, 16, 3)


def test_grey_where_every_image_is(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write(tmp_path / "grey" / name, grey=True)
    assert pack(tmp_path, tmp_path / "grey").channels == 1
    assert pack(tmp_path, tmp_path / "grey", color="rgb").channels == 3
    Image.new("RGB", (12, 12), "red").save(tmp_path / "grey" / "a" / "red.png")
    assert pack(tmp_path, tmp_path / "grey").channels == 3
    assert pack(tmp_path, tmp_path / "grey", color="grey").channels == 1


def test_odd_file_names(tmp_path: Path, animals: Path) -> None:
    for name in (b"caf\xe9.png", "naïve ☃.png".encode(), b"new\nline.png"):
        Path(os.fsdecode(os.fsencode(animals / "cat") + b"/" + name)).write_bytes(
            (animals / "cat" / "000.png").read_bytes()
        )
    packed = pack(tmp_path, animals)
    assert sum(map(sum, packed.counts.values())) == 43
    assert pack(tmp_path, animals) == packed


@pytest.mark.parametrize(
    ("layout", "law"),
    [
        ([], "no folder with images in it"),
        (["only"], "at least two class folders, one per class; it has only 'only'"),
        (["test/a", "test/b"], "must have train/"),
        (["train/a", "train/b", "val/a", "valid/b"], "at most once each"),
        (["train/cat", "train/dog", "test/cta"], "class 'cta' has no images to train on; did you mean cat"),
    ],
)
def test_layouts_that_cannot_be_used(tmp_path: Path, layout: list[str], law: str) -> None:
    (tmp_path / "data").mkdir()
    for folder in layout:
        write(tmp_path / "data" / folder, 3)
    with pytest.raises(DataError, match=law):
        pack(tmp_path, tmp_path / "data")


def test_a_path_that_is_no_folder(tmp_path: Path, animals: Path) -> None:
    with pytest.raises(DataError, match="does not exist"):
        pack(tmp_path, tmp_path / "gone")
    with pytest.raises(DataError, match="is a file, not a folder"):
        pack(tmp_path, animals / "cat" / "000.png")


def test_the_test_split_is_the_given_one(tmp_path: Path) -> None:
    for split, grey in (("train", False), ("test", True)):
        for name in ("a", "b"):
            write(tmp_path / "data" / split / name, 10, grey=grey)
    images = open_test(pack(tmp_path, tmp_path / "data"), "look", tmp_path / "log").images
    assert (images[..., :1] == images).all()
