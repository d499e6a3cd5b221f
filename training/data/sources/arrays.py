"""Images of a source that is one array: the classic data sets."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import repeat
from typing import Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ....common.decode import Header
from ....common.preprocess import fit
from .base import Chunk, Images

_CHUNK = 2048  # images at a time: 6 MB of 32x32x3


@dataclass(frozen=True, slots=True)
class ArrayPixels:
    """Images as one array, uint8 [N, height, width, channels]."""

    array: NDArray[np.uint8]

    @property
    def auto_channels(self) -> int:
        """The channels of the array."""
        return int(self.array.shape[3])

    @property
    def names(self) -> tuple[str, ...]:
        """The numbers of the images, from 0."""
        return tuple(map(str, range(len(self))))

    def __len__(self) -> int:
        return len(self.array)

    def digests(self) -> Iterator[bytes]:
        """Yield the shape, then one digest per chunk."""
        yield repr(self.array.shape).encode()
        for start in range(0, len(self), _CHUNK):
            yield hashlib.sha256(np.ascontiguousarray(self.array[start : start + _CHUNK]).data).digest()

    def natural_size(self, headers: Iterable[Header | None]) -> tuple[int, str]:
        """Return the side of the images as they are, whatever `headers` say."""
        return min(self.array.shape[1:3]), "the data set's own"

    def headers(self) -> Iterator[Header]:
        """Yield the array's own shape for every image."""
        height, width, channels = self.array.shape[1:]
        yield from repeat(Header(width, height, "L" if channels == 1 else "RGB", "array"), len(self))

    def chunks(self, size: int, channels: int) -> Iterator[Chunk]:
        """Yield slices of the array, resized only where they do not fit."""
        as_is = self.array.shape[1:] == (size, size, channels)
        for start in range(0, len(self), _CHUNK):
            part = self.array[start : start + _CHUNK]
            images = part if as_is else np.stack([fit(_image(pixels), size, channels) for pixels in part])
            yield Chunk(images, np.arange(start, start + len(part), dtype=np.int64))

    def select(self, rows: Sequence[int]) -> Self:
        """Return a copy of these images."""
        return replace(self, array=self.array[np.asarray(rows, np.int64)])


def train_and_test(
    class_names: tuple[str, ...],
    train: tuple[NDArray[np.uint8], NDArray[np.int64]],
    test: tuple[NDArray[np.uint8], NDArray[np.int64]],
) -> Images:
    """Return images with a given test split.

    From (images [N, H, W, C], labels [N]) of both.
    """
    return Images(
        class_names=class_names,
        labels=np.concatenate([train[1], test[1]]),
        parts=np.repeat(["train", "test"], [len(train[1]), len(test[1])]),
        pixels=ArrayPixels(np.concatenate([train[0], test[0]])),
    )


def _image(pixels: NDArray[np.uint8]) -> Image.Image:
    return Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)
