"""Equal and nearly equal images of a data set.

The same means equal pixels at the size that is trained on. Nearly the same is judged on small grey versions: whitened
by the covariance of the data set itself, so that what all its images share (the outline of a shirt, a dark background)
counts for little, two of 8x8 pixels must correlate to 0.8 and then two of 16x16 to 0.9. Re-encoded, brightened and
resized copies do. Measured on 20,000 images each: 16 pairs in CIFAR-10, of which those looked at are true twins, and
225 in Fashion-MNIST, where plain correlation finds 200,000 and a difference hash of 64 bits (equal!) 30,000.

All pairs are compared, by matrix products: 60,000 images take some seconds.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .look import shrink

LIMIT = 200_000  # images; the comparison of all pairs is quadratic, and takes about a minute here
MAX_PAIRS = 500_000  # kept at most: so many are the kind of the data and no accident, and each becomes a Python object

_COARSE, _FINE = 0.8, 0.9  # least correlations, measured above
_FLAT = 2.0  # grey levels of deviation; below, an image has no pattern that could be alike
_NOISE = 0.24  # of an image's deviation: more than encoding and resizing change; whitening must not blow that up
_BLOCK = 512  # rows compared at a time: [512, N] of correlations is about 400 MB at the LIMIT


@dataclass(frozen=True, slots=True)
class Near:
    """Pairs of nearly equal images, the most alike first.

    `pairs` are positions int64 [P, 2], `likeness` float32 [P]. `complete` is False where there were more images or
    pairs than are compared.
    """

    pairs: NDArray[np.int64]
    likeness: NDArray[np.float32]
    complete: bool = True


def same(digests: NDArray[np.bytes_]) -> list[NDArray[np.int64]]:
    """Return the groups of positions whose digests are equal.

    Each has two or more, in order of their first.
    """
    order = np.argsort(digests, kind="stable")
    borders = np.flatnonzero(digests[order][1:] != digests[order][:-1]) + 1
    groups = (group for group in np.split(order, borders) if len(group) > 1)
    return sorted(groups, key=lambda group: int(group[0]))


def near(thumbs: NDArray[np.float32], repeated: NDArray[np.int64]) -> Near:
    """Return the pairs among `thumbs` float32 [N, 16, 16] that are nearly equal.

    Without the positions `repeated`, copies of others.
    """
    chosen = np.setdiff1d(np.arange(len(thumbs)), repeated, assume_unique=True)
    if len(chosen) > LIMIT:
        return Near(np.empty((0, 2), np.int64), np.empty(0, np.float32), complete=False)
    fine, coarse = _whitened(thumbs[chosen]), _whitened(shrink(thumbs[chosen], thumbs.shape[1] // 2))
    pairs, likeness, count = [], [], 0
    for start in range(0, len(chosen), _BLOCK):
        first, second = np.nonzero(coarse[start : start + _BLOCK] @ coarse[start:].T >= _COARSE)  # [512, N - start]
        # Each pair once, and no image with itself.
        first, second = (indices[first < second] + start for indices in (first, second))
        close = np.einsum("ij,ij->i", fine[first], fine[second])
        are_near = close >= _FINE
        pairs.append(np.stack([first[are_near], second[are_near]], axis=1))
        likeness.append(close[are_near])
        count += int(are_near.sum())
        if count > MAX_PAIRS:
            break
    together = np.concatenate(likeness)
    order = np.argsort(-together, kind="stable")
    return Near(chosen[np.concatenate(pairs)[order]], together[order], complete=count <= MAX_PAIRS)


def _whitened(images: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return images as rows of length 1, whitened over the data set.

    No direction stands out over all images. The covariance of N images is known to about 1/N; that much is added to it,
    and the noise.
    """
    rows = images.reshape(len(images), -1)
    rows = _unit(rows - rows.mean(axis=1, keepdims=True), _FLAT * rows.shape[1] ** 0.5)
    rows = rows - rows.mean(axis=0)
    variance, directions = np.linalg.eigh((rows.T @ rows / len(rows)).astype(np.float64))
    spread = np.sqrt(np.maximum(variance, 0) + _NOISE**2 / len(variance) + 1 / len(rows))
    return _unit(rows @ ((directions / spread) @ directions.T).astype(np.float32), 1e-6)


def _unit(rows: NDArray[np.float32], least: float) -> NDArray[np.float32]:
    """Divide rows by their length, or by `least` where they are shorter."""
    unit: NDArray[np.float32] = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), least)
    return unit
