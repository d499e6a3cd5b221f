"""docs/my-own-images.md: its commands bring a folder that is awkward in many ways to a tested model."""

import csv
import io
import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from .conftest import Reader

GUIDE = "my-own-images.md"
CLASSES = ("mug", "plate", "spoon")
SIZES = ((80, 60), (64, 64), (100, 90))
FILMS, FRAMES = 60, 4


def frame(film: int, number: int) -> Image.Image:
    """Frame `number` of a film: its class's shape, in the film's colours and place, the light a little different."""
    random = np.random.default_rng(film)
    width, height = SIZES[film % 3]
    ground = Image.fromarray(random.integers(0, 110, (6, 6, 3), dtype=np.uint8)).resize((width, height))
    x, y = random.integers(0, width // 3), random.integers(0, height // 3)
    colour = tuple(int(value) for value in random.integers(150, 256, 3))
    _draw(ImageDraw.Draw(ground), CLASSES[film % 3], (int(x), int(y)), min(width, height) // 2, colour)
    light = np.random.default_rng([film, number])
    noisy = np.asarray(ground) * light.uniform(0.9, 1.1) + light.normal(0, 3, (height, width, 3))
    return Image.fromarray(noisy.clip(0, 255).astype(np.uint8))


def _draw(pen: ImageDraw.ImageDraw, name: str, at: tuple[int, int], side: int, colour: tuple[int, ...]) -> None:
    box = (*at, at[0] + side, at[1] + side)
    match name:
        case "mug":
            pen.rectangle(box, fill=colour)
        case "plate":
            pen.ellipse(box, outline=colour, width=4)
        case _:
            pen.line(box, fill=colour, width=5)


def write_photos(root: Path) -> None:
    """240 frames of 60 films, and among them much of what people's folders hold."""
    for film in range(FILMS):
        place = root / CLASSES[film % 3] / ("kitchen" if film % 5 == 0 else "")
        place.mkdir(parents=True, exist_ok=True)
        for number in range(FRAMES):
            frame(film, number).save(place / f"film{film:02}_{number}.jpg", quality=85)
    mug, plate, spoon = (root / name for name in CLASSES)
    frame(0, 9).convert("CMYK").save(mug / "film00_9.jpg")
    _sixteen_bits(frame(3, 9)).save(mug / "film03_9.png")
    frame(1, 8).convert("P").save(plate / "film01_8.gif", save_all=True, append_images=[frame(2, 8).convert("P")])
    frame(4, 9).convert("RGBA").save(plate / "film04 käse.png")
    frame(2, 9).save(spoon / "film02_9.jpg", exif=_sideways())
    (spoon / "film05_8.jpg").write_bytes(_cut_short(frame(5, 8)))
    (plate / "film07_8.jpg").write_bytes(b"")
    (mug / "film06_notes.txt").write_text("the light was bad")
    (plate / "film06_0.jpg").write_bytes((mug / "film06_0.jpg").read_bytes())  # one picture under two labels
    (mug / "film09_0 (1).jpg").write_bytes((mug / "film09_0.jpg").read_bytes())
    (mug / "Thumbs.db").write_text("")
    (root / "fork").mkdir()
    (root / "readme.txt").write_text("my photos")


def _sixteen_bits(image: Image.Image) -> Image.Image:
    return Image.fromarray(np.asarray(image.convert("L")).astype(np.uint16) * 257)


def _sideways() -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = 6
    return exif


def _cut_short(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG")
    return buffer.getvalue()[:-400]


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_guide_works_as_written(reader: Reader) -> None:
    write_photos(reader.directory / "photos")
    seen, mended, grouped, searched, retrained, _, table = reader.follow(GUIDE)
    for finding in (
        "unreadable       2",
        "two labels       1",
        "no images in fork",
        "not used: readme.txt",
        ".txt (1)",
    ):
        assert finding in seen
    assert "data.group_pattern" in seen
    assert not re.search(r"leaks +0", seen)
    assert mended.startswith("5 files set aside")
    for text in (grouped, table):
        assert "60 groups, each whole in one split" in text
        assert re.search(r"leaks +0", text)
        assert re.search(r"unreadable +0", text)
    assert "val_balanced_accuracy" in searched
    assert "test accuracy" in retrained
    assert (reader.directory / "photos.html").stat().st_size > 10_000
    with (reader.directory / "split.csv").open(newline="", encoding="utf-8") as file:
        assert {row["split"] for row in csv.DictReader(file)} == {"train", "val", "test"}
    manifest = json.loads((reader.directory / "runs" / "photos" / "export" / "manifest.json").read_text())
    assert manifest["metrics"]["test_accuracy"] > 0.5  # a third is guessing
