"""What an image looks like in three numbers, the same at export (reference) and in service."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class InputStatistics(NamedTuple):
    """Per image, float64 [N], of the mean over channels: all in units of the full range 0..1.

    `brightness` is the mean, `contrast` the standard deviation, `sharpness` the standard deviation of the Laplacian
    (Pech-Pacheco et al. 2000, section 2, take its variance).
    """

    brightness: NDArray[np.float64]
    contrast: NDArray[np.float64]
    sharpness: NDArray[np.float64]


def input_statistics(images: NDArray[np.uint8]) -> InputStatistics:
    """The statistics of images uint8 [N, channels, size, size]; size is at least 3."""
    grey = images.mean(axis=1, dtype=np.float64) / 255
    middle = grey[:, 1:-1, 1:-1]
    around = grey[:, :-2, 1:-1] + grey[:, 2:, 1:-1] + grey[:, 1:-1, :-2] + grey[:, 1:-1, 2:]
    axes = (1, 2)
    return InputStatistics(grey.mean(axis=axes), grey.std(axis=axes), (around - 4 * middle).std(axis=axes))
