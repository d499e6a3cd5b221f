"""What the images of a split look like on the whole, in two numbers that can be compared between splits."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_PORTION = 512  # images at a time, as a split may be larger than memory


@dataclass(frozen=True, slots=True)
class Appearance:
    """Means over images of the mean (`brightness`) and the standard deviation (`contrast`) of an image's samples.

    Both are in units of the full range 0..1.
    """

    brightness: float
    contrast: float


def appearance(images: NDArray[np.uint8]) -> Appearance:
    """The appearance of images uint8 [N, side, side, channels], N at least 1."""
    sums = np.zeros(2)
    for start in range(0, len(images), _PORTION):
        part = images[start : start + _PORTION].reshape(len(images[start : start + _PORTION]), -1) / np.float32(255)
        sums += part.mean(axis=1, dtype=np.float64).sum(), part.std(axis=1, dtype=np.float64).sum()
    brightness, contrast = (sums / len(images)).tolist()
    return Appearance(brightness, contrast)
