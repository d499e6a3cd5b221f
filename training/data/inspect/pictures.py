"""Pictures for a page without other files: `data:` URIs of PNGs."""

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
# samples: fewer of each class where there are many classes, so that a browser still opens the page
_PER_CLASS, _IN_ALL = 8, 1600
_TWINS, _IN_A_ROW = 24, 6  # groups of each kind, and images of one, that are shown


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture of an image, with its name and labels.

    As it would be trained on, at most 96 pixels a side.
    """

    uri: str
    name: str
    class_name: str
    split: str


@dataclass(frozen=True, slots=True)
class Pictures:
    """The pictures of a page: by class, and of twins.

    Of the first groups of each kind of twins.
    """

    samples: Mapping[str, Sequence[Picture]]
    conflicts: Sequence[Sequence[Picture]]
    leaks: Sequence[Sequence[Picture]]
    duplicates: Sequence[Sequence[Picture]]
    near: Sequence[Sequence[Picture]]


def pictures(inspection: Inspection, images: Images) -> Pictures:
    """Decode the pictures that a page shows of `images`.

    Samples are of the training split only: nobody shall look at the test split.
    """
    chosen = _samples(inspection)
    kinds = [
        _first(twins) for twins in (inspection.conflicts, inspection.leaks, inspection.duplicates, inspection.near)
    ]
    rows = sorted({row for group in [*chosen.values(), *(group for kind in kinds for group in kind)] for row in group})
    picture_of = dict(zip(rows, _pictures(inspection, images, rows), strict=True))
    samples = {name: [picture_of[row] for row in group] for name, group in chosen.items()}
    return Pictures(samples, *([[picture_of[row] for row in group] for group in kind] for kind in kinds))


def _samples(inspection: Inspection) -> dict[str, list[int]]:
    """Choose training images of each class, evenly over the source."""
    each = max(1, min(_PER_CLASS, _IN_ALL // len(inspection.class_names)))
    train = inspection.rows["train"]
    by_class = (train[inspection.labels[train] == label] for label in range(len(inspection.class_names)))
    return {name: _evenly(rows, each) for name, rows in zip(inspection.class_names, by_class, strict=True)}


def _evenly(rows: NDArray[np.int64], count: int) -> list[int]:
    steps = np.linspace(0, len(rows) - 1, min(count, len(rows)))
    return [int(rows[int(step)]) for step in steps]


def _first(groups: Sequence[Twins]) -> list[tuple[int, ...]]:
    return [twins.rows[:_IN_A_ROW] for twins in groups[:_TWINS]]


def _pictures(inspection: Inspection, images: Images, rows: list[int]) -> list[Picture]:
    side = min(SIDE, inspection.image_size)
    decoded = (
        image for chunk in images.pixels.select(rows).chunks(side, inspection.channels) for image in chunk.images
    )
    return [
        Picture(
            png_uri(image),
            inspection.names[row],
            inspection.class_names[inspection.labels[row]],
            str(inspection.splits[row]),
        )
        for row, image in zip(rows, decoded, strict=True)
    ]


def png_uri(image: NDArray[np.uint8]) -> str:
    """Return an image uint8 [height, width, channels] as a `data:` URI."""
    buffer = io.BytesIO()
    Image.fromarray(image[..., 0] if image.shape[2] == 1 else image).save(buffer, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
