"""One pass over every image of a source, for all findings."""

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..pack import Skipped
from ..sources.base import Chunk, Images

THUMB = 16  # pixels a side of what likeness is judged by


@dataclass(frozen=True, slots=True)
class Look:
    """Facts of the N readable images of a source.

    `rows` int64 [N] are their positions in the source; `digests` bytes [N] are equal where all pixels are;
    `thumbs` float32 [N, 16, 16] are small grey versions, 0..255; `sums` and `squares` int64 [N, channels] are taken
    over the pixels of an image, of which there are `area`; `grey` tells whether every image is grey.
    """

    rows: NDArray[np.int64]
    digests: NDArray[np.bytes_]
    thumbs: NDArray[np.float32]
    sums: NDArray[np.int64]
    squares: NDArray[np.int64]
    area: int
    grey: bool
    skipped: tuple[Skipped, ...]

    def statistics(self, chosen: NDArray[np.int64], channels: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Return mean and standard deviation per channel of the images `chosen`.

        Positions within N; of values scaled to [0, 1].
        """
        count = len(chosen) * self.area
        mean = self.sums[chosen, :channels].sum(axis=0) / count
        variance = self.squares[chosen, :channels].sum(axis=0) / count - mean**2
        spread = np.sqrt(np.maximum(variance, 0))
        return tuple((mean / 255).tolist()), tuple((spread / 255).tolist())


def look(images: Images, size: int, channels: int) -> Look:
    """Decode every image at `size` and `channels`, keeping a kilobyte of each."""
    parts = [_Part(chunk) for chunk in images.pixels.chunks(size, channels)]
    return Look(
        rows=np.concatenate([part.rows for part in parts]),
        digests=np.concatenate([part.digests for part in parts]),
        thumbs=np.concatenate([part.thumbs for part in parts]),
        sums=np.concatenate([part.sums for part in parts]),
        squares=np.concatenate([part.squares for part in parts]),
        area=size * size,
        grey=all(part.grey for part in parts),
        skipped=(*images.skipped, *(entry for part in parts for entry in part.skipped)),
    )


class _Part:
    """The part of a Look from one chunk."""

    def __init__(self, chunk: Chunk) -> None:
        images = np.ascontiguousarray(chunk.images)
        self.rows, self.skipped = chunk.rows, chunk.skipped
        self.digests, self.thumbs = prints(images)
        self.sums = images.sum(axis=(1, 2), dtype=np.int64)
        self.squares = np.square(images, dtype=np.uint16).sum(axis=(1, 2), dtype=np.int64)
        self.grey = bool((images[..., :1] == images[..., 1:]).all())


def prints(images: NDArray[np.uint8]) -> tuple[NDArray[np.bytes_], NDArray[np.float32]]:
    """Return digests bytes [N] and thumbs float32 [N, 16, 16] of images.

    By which images uint8 [N, S, S, channels] are compared.
    """
    # 16 bytes: among 10^9 images, equal digests by chance have a probability below 10^-20
    digests = [hashlib.blake2b(image.data, digest_size=16).digest() for image in np.ascontiguousarray(images)]
    return np.array(digests, "S16"), shrink(images.mean(axis=3, dtype=np.float32), THUMB)


def shrink(grey: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    """Shrink images float [N, S, S] to [N, side, side] by area means."""
    size = grey.shape[1]
    edges, pixel = np.linspace(0, size, side + 1), np.arange(size)
    # [side, S] how much of source pixel j lies in target pixel i
    covered = np.minimum(edges[1:, None], pixel + 1) - np.maximum(edges[:-1, None], pixel)
    weights = (np.clip(covered, 0, None) * (side / size)).astype(np.float32)  # [side, S], rows sum to 1
    small: NDArray[np.float32] = weights @ grey @ weights.T
    return small
