"""Pictures for a page that needs no other file: each a `data:` URI of a PNG."""

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..sources.base import Images
from .inspection import Inspection, Twins

SIDE = 96  # pixels a side at most
_PER_CLASS, _IN_ALL = 8, 1600
_TWINS, _IN_A_ROW = 24, 6  # groups of each kind, and images of one, that are shown


@dataclass(frozen=True, slots=True)
class Picture:
    """An image of the source as it would be trained on, at most 96 pixels a side, and what is known of it."""

    uri: str
    name: str
    class_name: str
    split: str


@dataclass(frozen=True, slots=True)
class Pictures:
    """The pictures of a page: by class, and of the first groups of each kind of twins."""

    samples: Mapping[str, Sequence[Picture]]
    conflicts: Sequence[Sequence[Picture]]
    leaks: Sequence[Sequence[Picture]]
    duplicates: Sequence[Sequence[Picture]]
    near: Sequence[Sequence[Picture]]


def pictures(found: Inspection, images: Images) -> Pictures:
    """Decode what a page shows of `images`, the source that was inspected; samples are of the training split only."""
    chosen = _samples(found)
    kinds = [_first(twins) for twins in (found.conflicts, found.leaks, found.duplicates, found.near)]
    rows = sorted({row for group in [*chosen.values(), *(group for kind in kinds for group in kind)] for row in group})
    shown = dict(zip(rows, _pictures(found, images, rows), strict=True))
    samples = {name: [shown[row] for row in group] for name, group in chosen.items()}
    return Pictures(samples, *([[shown[row] for row in group] for group in kind] for kind in kinds))


def _samples(found: Inspection) -> dict[str, list[int]]:
    """Some training images of each class, drawn evenly over the source."""
    each = max(1, min(_PER_CLASS, _IN_ALL // len(found.class_names)))
    train = found.rows["train"]
    by_class = (train[found.labels[train] == label] for label in range(len(found.class_names)))
    return {name: _evenly(rows, each) for name, rows in zip(found.class_names, by_class, strict=True)}


def _evenly(rows: NDArray[np.int64], count: int) -> list[int]:
    steps = np.linspace(0, len(rows) - 1, min(count, len(rows)))
    return [int(rows[int(step)]) for step in steps]


def _first(groups: Sequence[Twins]) -> list[tuple[int, ...]]:
    return [twins.rows[:_IN_A_ROW] for twins in groups[:_TWINS]]


def _pictures(found: Inspection, images: Images, rows: list[int]) -> list[Picture]:
    side = min(SIDE, found.image_size)
    decoded = (image for chunk in images.pixels.select(rows).chunks(side, found.channels) for image in chunk.images)
    return [
        Picture(png_uri(image), found.names[row], found.class_names[found.labels[row]], str(found.splits[row]))
        for row, image in zip(rows, decoded, strict=True)
    ]


def png_uri(image: NDArray[np.uint8]) -> str:
    """An image uint8 [height, width, channels] as a `data:` URI."""
    buffer = io.BytesIO()
    Image.fromarray(image[..., 0] if image.shape[2] == 1 else image).save(buffer, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
