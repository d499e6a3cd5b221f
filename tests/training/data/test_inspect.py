"""What `hpo data` finds: each fault is put in on purpose, and found; sound data is left in peace."""

import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from hpo.errors import DataError
from hpo.training.data.config import DataConfig
from hpo.training.data.inspect.alike import near, same
from hpo.training.data.inspect.inspection import Inspection, Twins
from hpo.training.data.inspect.look import shrink
from hpo.training.data.inspect.page import page
from hpo.training.data.inspect.pictures import pictures
from hpo.training.data.inspect.survey import inspect_data, inspect_images, read
from hpo.training.data.prepare import prepare
from hpo.training.data.sources.base import silent
from PIL import Image, ImageEnhance


def scene(seed: int, side: int = 32) -> Image.Image:
    """A picture with large and small structure, unlike any other seed's."""
    random = np.random.default_rng(seed)
    coarse = Image.fromarray(random.integers(0, 256, (5, 5, 3), dtype=np.uint8)).resize(
        (side, side), Image.Resampling.BICUBIC
    )
    fine = random.integers(0, 60, (side, side, 3))
    return Image.fromarray((np.asarray(coarse) * 0.75 + fine).astype(np.uint8))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Forty scenes in each of three classes."""
    for number in range(120):
        folder = tmp_path / "data" / "abc"[number % 3]
        folder.mkdir(parents=True, exist_ok=True)
        scene(number).save(folder / f"{number:03}.png")
    return tmp_path / "data"


def inspect(root: Path, **settings: object) -> Inspection:
    return inspect_data(DataConfig.model_validate({"source": str(root), **settings}))


def named(found: Inspection, all_twins: tuple[Twins, ...]) -> list[list[str]]:
    return [[found.names[row] for row in twins.rows] for twins in all_twins]


def test_sound_data_is_left_in_peace(root: Path) -> None:
    found = inspect(root, val_fraction=0.1)
    assert (found.skipped, found.duplicates, found.near, found.conflicts, found.leaks) == ((), (), (), (), ())
    assert found.counts == {"train": (32, 32, 32), "val": (4, 4, 4), "test": (4, 4, 4)}
    assert (found.sizes, found.modes, found.kinds) == ({(32, 32): 120}, {"RGB": 120}, {"PNG": 120})


def test_it_says_what_the_pack_will_be(root: Path, tmp_path: Path) -> None:
    for settings in ({}, {"image_size": 16}, {"color": "grey"}):
        config = DataConfig.model_validate({"source": str(root), **settings})
        found, pack = inspect_data(config), prepare(config, cache=tmp_path / "cache")
        assert (found.image_size, found.image_size_from, found.channels) == (
            pack.image_size,
            pack.image_size_from,
            pack.channels,
        )
        assert found.counts == pack.counts
        assert found.mean == pytest.approx(pack.mean)
        assert found.std == pytest.approx(pack.std)
        assert sorted(found.rows["train"]) == sorted(pack.train.index)


def test_grey_pictures_in_colour_are_grey(root: Path, tmp_path: Path) -> None:
    for path in root.rglob("*.png"):
        Image.open(path).convert("L").convert("RGB").save(path)
    found, pack = inspect(root), prepare(DataConfig(source=str(root)), cache=tmp_path / "cache")
    assert (found.channels, found.modes) == (1, {"RGB": 120})
    assert found.mean == pytest.approx(pack.mean)


def test_unreadable_files_are_all_named_even_where_they_would_stop_a_run(root: Path) -> None:
    for number in range(10):
        (root / "a" / f"{number}.jpg").write_text("hello")
    found = inspect(root)
    assert [entry.path for entry in found.skipped] == [f"a/{number}.jpg" for number in range(10)]
    assert found.suggestions[0].startswith("Repair or remove 10 files that cannot be read")
    assert "over 5 % stop a run" in found.suggestions[0]


def test_nothing_readable_is_an_error_with_a_reason(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / "data" / name).mkdir(parents=True)
        (tmp_path / "data" / name / "x.png").write_text("hello")
    with pytest.raises(DataError, match=r"no image is readable; a/x\.png: text, not an image"):
        inspect(tmp_path / "data")


def test_the_same_picture_in_another_format_is_a_duplicate(root: Path) -> None:
    Image.open(root / "a" / "000.png").save(root / "a" / "copy.bmp")
    found = inspect(root)
    assert named(found, found.duplicates) == [["a/000.png", "a/copy.bmp"]]
    assert found.conflicts == ()


def test_one_picture_under_two_labels_is_a_conflict(root: Path) -> None:
    Image.open(root / "a" / "000.png").save(root / "b" / "copy.png")
    found = inspect(root)
    assert named(found, found.conflicts) == [["a/000.png", "b/copy.png"]]
    assert any("under more than one class" in text for text in found.suggestions)


def test_of_a_picture_under_two_labels_one_of_each_is_shown(root: Path) -> None:
    for number in range(8):  # more than a page shows of one picture
        Image.open(root / "a" / "000.png").save(root / "a" / f"more{number}.png")
    Image.open(root / "a" / "000.png").save(root / "c" / "copy.png")
    config = DataConfig(source=str(root), val_fraction=0.4)
    name, images = read(config, None, silent)
    found = inspect_images(name, images, config)
    assert [found.names[row] for row in found.conflicts[0].rows[:2]] == ["a/000.png", "c/copy.png"]
    assert len(found.conflicts[0].rows) == len(found.duplicates[0].rows) == 10
    first, second = found.leaks[0].rows[:2]
    assert found.splits[first] != found.splits[second]
    assert {picture.class_name for picture in pictures(found, images).conflicts[0]} == {"a", "c"}
    listed = found.to_json()["label_conflicts"][0]["images"]
    assert [image["class"] for image in listed[:2]] == ["a", "c"]


COPIES = {
    "encoded again": lambda image: Image.open(_jpeg(image)),
    "brighter": lambda image: ImageEnhance.Brightness(image).enhance(1.15),
    "half the size": lambda image: image.resize((16, 16), Image.Resampling.BICUBIC),
    "less contrast": lambda image: ImageEnhance.Contrast(image).enhance(0.8),
}


def _jpeg(image: Image.Image) -> io.BytesIO:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=60)
    return buffer


@pytest.mark.parametrize("change", COPIES)
def test_near_copies_are_found_and_nothing_else(root: Path, change: str) -> None:
    COPIES[change](Image.open(root / "a" / "000.png")).save(root / "a" / "z.png")
    found = inspect(root, image_size=32)
    assert named(found, found.near) == [["a/000.png", "a/z.png"]]
    assert 0.9 <= found.near[0].likeness < 1


def test_copies_in_given_splits_are_leaks(root: Path, tmp_path: Path) -> None:
    (tmp_path / "split").mkdir()
    root.rename(tmp_path / "split" / "train")
    for number in range(6):
        folder = tmp_path / "split" / "test" / "abc"[number % 3]
        folder.mkdir(parents=True, exist_ok=True)
        (scene(number) if number < 3 else scene(1000 + number)).save(
            folder / "new.png" if number < 3 else folder / "x.png"
        )
    found = inspect(tmp_path / "split")
    leaks = named(found, found.leaks)
    assert [twins for twins in leaks if "test/" in twins[0]] == [
        [f"test/{name}/new.png", f"train/{name}/{number:03}.png"] for number, name in enumerate("abc")
    ]
    assert found.leak_counts().total() == 3
    assert any("the test is too easy" in text for text in found.suggestions)


def test_films_without_groups_are_told_of_groups_and_with_them_have_no_leaks(tmp_path: Path) -> None:
    for number in range(240):
        film, frame = divmod(number, 4)
        folder = tmp_path / "films" / "ab"[film % 2]
        folder.mkdir(parents=True, exist_ok=True)
        ImageEnhance.Brightness(scene(film)).enhance(1 + frame / 40).save(folder / f"film{film:02}_{frame}.png")
    found = inspect(tmp_path / "films")
    assert found.leaks
    assert any("data.group_pattern" in text for text in found.suggestions)
    grouped = inspect(tmp_path / "films", group_pattern=r"(film\d+)_")
    assert len(grouped.near) == len(found.near)
    assert grouped.leaks == ()
    assert any("60 groups, each whole in one split" in note for note in grouped.notes)


def suggested(root: Path, **settings: object) -> str:
    return " ".join(inspect(root, **settings).suggestions)


def test_suggestions_of_balance_size_and_number(root: Path) -> None:
    assert "are unequal" not in suggested(root)
    assert "start from a pretrained model" in suggested(root)
    assert "The validation split has 12 images" in suggested(root)
    assert "--set data.image_size=32" in suggested(root, image_size=128)
    assert "shrunk from 32 pixels a side to 8" in suggested(root, image_size=8)
    for path in sorted((root / "a").iterdir())[8:]:
        path.unlink()
    assert "--set loss.class_weights=inverse" in suggested(root)
    for number in range(30):
        scene(500 + number).resize((90, 30)).save(root / "b" / f"long{number}.png")
    assert "30 images are more than twice as long as wide" in suggested(root)


def test_every_setting_that_is_suggested_exists() -> None:
    from hpo.training.config import TrialConfig
    from hpo.training.data.inspect import suggest

    text = Path(suggest.__file__).read_text()
    keys = set(re.findall(r"\b((?:data|loss|sampling)\.[a-z_]+)(?:\b[^.}]|$)", text)) - {"loss.flag", "sampling.flag"}
    assert {"data.group_pattern", "data.image_size", "loss.class_weights", "sampling.method"} <= keys
    for key in keys:
        section, name = key.split(".")
        assert name in type(getattr(TrialConfig(), section)).model_fields


def test_json_is_json_and_counts_agree(root: Path) -> None:
    Image.open(root / "a" / "000.png").save(root / "b" / "copy.png")
    value = json.loads(json.dumps(inspect(root).to_json(), allow_nan=False))
    assert value["images"] == sum(value["splits"].values()) == 121
    assert [entry["name"] for entry in value["classes"]] == ["a", "b", "c"]
    assert value["label_conflict_count"] == len(value["label_conflicts"]) == 1
    assert [image["class"] for image in value["label_conflicts"][0]["images"]] == ["a", "b"]


class _Page(HTMLParser):
    """What a browser would fetch, and the text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.sources: list[str] = []
        self.tags: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.sources += [value or "" for name, value in attrs if name in ("src", "href", "srcset", "data", "action")]


def html(config: DataConfig) -> tuple[Inspection, str]:
    name, images = read(config, None, silent)
    found = inspect_images(name, images, config)
    return found, page(found, pictures(found, images))


def test_the_page_fetches_nothing_and_shows_every_class_and_finding(root: Path) -> None:
    Image.open(root / "a" / "000.png").save(root / "b" / "copy.png")
    (root / "c" / "notes.gif").write_text("hello")
    found, text = html(DataConfig(source=str(root)))
    parsed = _Page(text)
    assert all(source.startswith("data:image/png;base64,") for source in parsed.sources)
    assert not {"script", "link", "iframe"} & set(parsed.tags)
    assert "url(" not in text
    assert "@import" not in text
    assert len(parsed.sources) >= 3 * 8 + 2
    for words in ("<h3>a</h3>", "<h3>c</h3>", "One image, two labels", "b/copy.png", "c/notes.gif", *found.notes):
        assert words in text


@pytest.mark.parametrize(("copies", "words"), [(1, "1 image stands under"), (2, "2 images stand under")])
def test_one_is_one_and_two_are_many(root: Path, copies: int, words: str) -> None:
    for file in sorted((root / "a").iterdir())[:copies]:
        Image.open(file).save(root / "b" / f"copy-{file.name}")
    (root / "c" / "notes.gif").write_text("hello")
    found, text = html(DataConfig(source=str(root)))
    assert f"{words} more than one class" in text
    assert f"{words} more than one class" in " ".join(found.suggestions)
    assert not re.search(r"\b1 (images|pairs|files|times|sizes|classes)\b", text + " ".join(found.suggestions))


def test_names_from_the_data_are_escaped(root: Path) -> None:
    (root / "a").rename(root / "<script>alert(1)")
    _, text = html(DataConfig(source=str(root)))
    assert "<script>" not in text
    assert "&lt;script&gt;alert(1)" in text


def test_samples_are_of_the_training_split_alone(root: Path) -> None:
    config = DataConfig(source=str(root))
    name, images = read(config, None, silent)
    found = inspect_images(name, images, config)
    shown = pictures(found, images)
    assert {picture.split for group in shown.samples.values() for picture in group} == {"train"}
    assert all(picture.class_name == name for name, group in shown.samples.items() for picture in group)


def test_a_page_of_a_source_without_files() -> None:
    found, text = html(DataConfig(source="digits"))
    assert len(_Page(text).sources) >= 80
    assert found.kinds == {"array": 1797}


def test_shrinking_takes_the_mean_of_areas() -> None:
    images = np.arange(2 * 36, dtype=np.float32).reshape(2, 6, 6)
    assert np.allclose(shrink(images, 3), images.reshape(2, 3, 2, 3, 2).mean(axis=(2, 4)))
    assert np.allclose(shrink(images, 4).mean(axis=(1, 2)), images.mean(axis=(1, 2)))
    assert np.allclose(shrink(np.full((1, 5, 5), 7, np.float32), 16), 7)


def test_same_finds_every_group_in_order() -> None:
    digests = np.array([b"b", b"a", b"c", b"b", b"a", b"a"], "S16")
    assert [group.tolist() for group in same(digests)] == [[0, 3], [1, 4, 5]]
    assert same(np.array([b"a\0", b"b"], "S16")) == []


def test_flat_pictures_are_alike_only_where_they_are_equal() -> None:
    shades = np.random.default_rng(0).normal(100, 0.2, (50, 16, 16)).astype(np.float32)
    assert len(near(shades, np.empty(0, np.int64)).pairs) == 0


def test_twenty_thousand_pictures_are_compared_in_seconds() -> None:
    thumbs = np.random.default_rng(0).normal(128, 40, (20_000, 16, 16)).astype(np.float32)
    thumbs[15_000] = thumbs[17] + 1
    found = near(thumbs, np.empty(0, np.int64))
    assert found.pairs.tolist() == [[17, 15_000]]
    assert found.complete
