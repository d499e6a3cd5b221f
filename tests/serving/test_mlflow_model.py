"""The model that MLflow runs answers as the server does, to every form of an image that MLflow hands on."""

import base64
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hpo.errors import DataError
from hpo.serving.mlflow_model import ImageModel, _load_pyfunc
from PIL import Image

from .conftest import Running, png, write_export

SHADES = (0, 128, 255)
Serving = Callable[..., Running]


@pytest.fixture
def model(export: Path) -> ImageModel:
    return _load_pyfunc(str(export))


def files(*contents: Any) -> dict[str, Any]:
    return {"image": np.array(contents, dtype=object)}


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def awkward() -> list[bytes]:
    """Files that only the rule of preprocess.py brings to the same pixels: a plain reader takes each otherwise."""
    half = Image.fromarray(np.repeat([[0], [255]], [10, 30], axis=0).repeat(8, axis=1).astype(np.uint8))
    exif = Image.Exif()
    exif[0x0112] = 6  # lies on its side
    deep = Image.fromarray(np.full((9, 9), 40_000, np.uint16))
    return [
        encoded(half, "JPEG", exif=exif.tobytes()),
        encoded(Image.new("RGBA", (12, 9), (0, 0, 0, 60)), "PNG"),
        encoded(Image.new("RGB", (30, 8), (10, 90, 200)).convert("P"), "PNG"),
        encoded(deep, "PNG"),
        encoded(half, "GIF", save_all=True, append_images=[Image.new("L", half.size, 255)]),
    ]


def test_files_are_answered_as_by_the_server(model: ImageModel, serving: Serving) -> None:
    contents = [*(png(shade) for shade in SHADES), *awkward()]
    with serving() as running, running.client() as client:
        asked = {"images": [base64.b64encode(content).decode() for content in contents]}
        wanted = client.post("predict", json=asked).json()["predictions"]
    assert len({answer["confidence"] for answer in wanted}) > 5
    assert model.predict(files(*contents)) == wanted
    assert model.predict(files(*asked["images"])) == wanted


def test_the_temperature_is_applied(model: ImageModel, tmp_path: Path) -> None:
    sharp = model.predict(files(png(0)))[0]
    soft = _load_pyfunc(str(write_export(tmp_path / "soft", temperature=3.0))).predict(files(png(0)))[0]
    assert sharp["class"] == soft["class"] == "dark"
    assert soft["confidence"] < sharp["confidence"]
    ratio = np.log([soft["probabilities"][name] for name in ("dark", "medium")])
    logits = np.log([sharp["probabilities"][name] for name in ("dark", "medium")])
    assert ratio[0] - ratio[1] == pytest.approx((logits[0] - logits[1]) / 3, abs=1e-3)


def test_pixels_are_answered_as_the_files_they_come_from(model: ImageModel) -> None:
    wanted = model.predict(files(*map(png, SHADES)))
    pixels = np.stack([np.full((1, 8, 8), shade, np.uint8) for shade in SHADES])
    assert model.predict({"image": pixels}) == wanted
    assert model.predict({"image": pixels[1]}) == wanted[1:2]
    from_json = np.array(pixels.tolist(), dtype=object)
    assert model.predict({"image": from_json}) == wanted


def test_more_images_than_a_batch_are_answered_in_order(model: ImageModel) -> None:
    shades = np.arange(0, 210, 3)
    answers = model.predict(files(*(png(int(shade)) for shade in shades)))
    pixels = np.broadcast_to(shades[:, None, None, None], (len(shades), 1, 8, 8)).astype(np.uint8)
    assert answers == model.predict({"image": pixels})
    assert len({answer["probabilities"]["bright"] for answer in answers}) > 60
    assert model.predict({"image": np.array([])}) == []


def test_zeros_at_the_end_of_a_file_survive_an_array_of_bytes(model: ImageModel) -> None:
    contents = [png(0, kind="BMP"), png(255, kind="BMP")]
    assert contents[0].endswith(b"\0")
    array = np.array(contents)  # numpy takes the zeros for padding
    assert array[0] != contents[0]
    assert model.predict({"image": array}) == model.predict(files(*contents))


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (files(png(0), b"no image"), "image 2 of 2: text, not an image"),
        (files(png(0)[:40]), "image 1 of 1: "),
        (files("****"), "image 1 of 1: is not base64"),
        (files(7, 8), "bytes of an image file or their base64, got int"),
        ({"image": np.zeros((2, 8, 8, 1), np.uint8)}, r"must be \[N, 1, 8, 8\] or \[1, 8, 8\], got \[2, 8, 8, 1\]"),
        ({"image": np.zeros((1, 1, 1, 8, 8), np.uint8)}, "must be"),
        ({"image": np.full((1, 8, 8), 0.5)}, "whole numbers from 0 to 255 as decoded, got float64 from 0.5 to 0.5"),
        ({"image": np.full((1, 8, 8), 256)}, "got int64 from 256 to 256"),
        ({"image": np.full((1, 8, 8), True)}, "got bool"),
        ({"image": np.array([[[1, 2], [3]], [[1], [2]]], dtype=object)}, "ragged"),
    ],
)
def test_what_is_no_image_is_refused_with_the_reason(given: dict[str, Any], reason: str, model: ImageModel) -> None:
    with pytest.raises(DataError, match=reason):
        model.predict(given)


def test_a_bomb_is_refused_from_its_header(model: ImageModel) -> None:
    bomb = encoded(Image.new("1", (6000, 5000)), "PNG")
    assert len(bomb) < 10_000
    with pytest.raises(DataError, match="image 1 of 1: at most 25 megapixels are read, its header says 6000x5000"):
        model.predict(files(bomb))
