"""Real images as an exported model takes them, and as files."""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..data.pack import Split


def sample(split: Split, count: int) -> Split:
    """Return at most `count` images of `split`, evenly spaced over it."""
    rows = np.unique(np.linspace(0, len(split) - 1, min(count, len(split))).astype(np.int64))
    return Split(split.images[rows], split.labels[rows], split.index[rows])


def as_input(split: Split) -> NDArray[np.uint8]:
    """Return images uint8 [N, H, W, C] as uint8 [N, C, H, W].

    In memory of their own.
    """
    return np.ascontiguousarray(split.images.transpose(0, 3, 1, 2))


def as_files(split: Split) -> list[bytes]:
    """Return the images of `split` as PNG files of the same pixels."""
    return [_png(image) for image in split.images]


def _png(image: NDArray[np.uint8]) -> bytes:
    """Return uint8 [H, W, C] as PNG, grey where C is 1."""
    buffer = io.BytesIO()
    Image.fromarray(image[..., 0] if image.shape[2] == 1 else image).save(buffer, "PNG")
    return buffer.getvalue()
