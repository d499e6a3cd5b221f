"""Image statistics, the same at export and in service.

Three numbers an image; those at export are the reference.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class InputStatistics(NamedTuple):
    """Statistics per image, float64 [N], of the mean over channels.

    All in units of the full range 0..1.

    `brightness` is the mean, `contrast` the standard deviation, `sharpness` the standard deviation of the Laplacian
    (Pech-Pacheco et al. 2000, section 2, take its variance).
    """

    brightness: NDArray[np.float64]
    contrast: NDArray[np.float64]
    sharpness: NDArray[np.float64]


def input_statistics(images: NDArray[np.uint8]) -> InputStatistics:
    """Compute the statistics of images uint8 [N, channels, size, size].

    size is at least 3.

    Sums of pixels are whole numbers, which float32 holds exactly: twice as fast as float64.
    """
    # [N, C, H, W] -> [N, H, W]; the sum of three uint8 fits in uint16
    grey = images.sum(axis=1, dtype=np.uint16).astype(np.float32)
    # the Laplacian by four neighbours, [N, H - 2, W - 2]
    edges = grey[:, :-2, 1:-1] + grey[:, 2:, 1:-1]
    edges += grey[:, 1:-1, :-2]
    edges += grey[:, 1:-1, 2:]
    edges -= 4 * grey[:, 1:-1, 1:-1]
    brightness, contrast = _moments(grey)
    _, sharpness = _moments(edges)
    scale = np.float64(255 * images.shape[1])
    return InputStatistics(brightness / scale, contrast / scale, sharpness / scale)


def _moments(values: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return mean and standard deviation of each of [N, height, width]."""
    flat = values.reshape(len(values), values.shape[1] * values.shape[2])
    means = flat.mean(axis=1, keepdims=True)
    centred = flat - means
    return means[:, 0], np.sqrt(np.einsum("np,np->n", centred, centred) / flat.shape[1])
