"""Brightness and contrast of a split's images, to compare splits."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_PORTION = 512  # images at a time, as a split may be larger than memory


@dataclass(frozen=True, slots=True)
class Appearance:
    """Mean brightness and contrast of a set of images.

    `brightness` is the mean over images of the mean of an image's samples, `contrast` that of their standard deviation.
    Both are in units of the full range 0..1.
    """

    brightness: float
    contrast: float


def appearance(images: NDArray[np.uint8]) -> Appearance:
    """Return the appearance of images uint8 [N, side, side, channels].

    N is at least 1.
    """
    sums = np.zeros(2)  # note: float64, since a million float32 terms would lose digits
    for start in range(0, len(images), _PORTION):
        portion = images[start : start + _PORTION].reshape(len(images[start : start + _PORTION]), -1) / np.float32(255)
        sums += portion.mean(axis=1, dtype=np.float64).sum(), portion.std(axis=1, dtype=np.float64).sum()
    brightness, contrast = (sums / len(images)).tolist()
    return Appearance(brightness, contrast)
