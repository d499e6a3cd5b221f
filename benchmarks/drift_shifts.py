"""Shifts of images and class mix, in steps of strength."""

from collections.abc import Callable

import numpy as np
from drift_data import Array, Data
from scipy import ndimage

COST = 0.05  # of accuracy: a shift that costs less is not worth an alarm


def _pixels(images: Array) -> Array:
    return np.clip(np.rint(images), 0, 255).astype(np.uint8)


def _noise(images: Array, strength: float) -> Array:
    return images + np.random.default_rng(0).normal(0, 15 * strength, images.shape)


def _salt(images: Array, strength: float) -> Array:
    drawn = np.random.default_rng(0).random(images.shape)
    return np.where(drawn < 0.02 * strength, 255, np.where(drawn > 1 - 0.02 * strength, 0, images))


def _coarse(images: Array, strength: float) -> Array:
    """Blend with squares of a seventh of the side.

    They have at least two pixels.
    """
    step = max(2, images.shape[-1] // 7)
    # [N, 1, H / step, step, W / step, step] -> means over each square
    squares = images.reshape(len(images), 1, images.shape[-1] // step, step, -1, step).mean(axis=(3, 5))
    return images + (squares.repeat(step, axis=2).repeat(step, axis=3) - images) * strength / 10


def _occluded(images: Array, strength: float) -> Array:
    side = images.shape[-1]
    size = max(1, round(side * strength / 14))
    start = side // 2
    covered = images.copy()
    covered[:, :, start : start + size, start : start + size] = 255
    return covered


def _zoomed(images: Array, strength: float) -> Array:
    side = images.shape[-1]
    # towards the middle: the picture grows by 8 % per unit of strength
    positions = (np.arange(side) - (side - 1) / 2) / (1 + 0.08 * strength) + (side - 1) / 2
    grid = np.meshgrid(positions, positions, indexing="ij")
    return np.stack([ndimage.map_coordinates(image[0], grid, output=float, order=1) for image in images])[:, None]


SHIFTS: dict[str, Callable[[Array, float], Array]] = {
    "darker": lambda images, strength: images * (1 - strength / 11),
    "brighter": lambda images, strength: images + 20.0 * strength,
    "less contrast": lambda images, strength: 128 + (images - 128.0) * (1 - strength / 11),
    "blur": lambda images, strength: ndimage.gaussian_filter(images.astype(float), (0, 0, strength / 4, strength / 4)),
    "noise": _noise,
    "salt and pepper": _salt,
    "coarser": _coarse,
    "rotated": lambda images, strength: ndimage.rotate(
        images.astype(float), 5 * strength, axes=(2, 3), reshape=False, order=1
    ),
    "moved": lambda images, strength: ndimage.shift(
        images.astype(float), (0, 0, 0, strength * images.shape[-1] / 56), order=1
    ),
    "covered": _occluded,
    "zoomed": _zoomed,
}
CLASS_MIX = "harder classes"


def shifted(data: Data, name: str) -> tuple[Array, Array, float]:
    """Return images, labels and the accuracy lost by a shift.

    The weakest of that kind that costs five points, else the strongest.
    """
    base = data.accuracy(data.images, data.labels)
    if name == CLASS_MIX:
        right = data.answer(data.images).argmax(axis=1) == data.labels
        recall = [float(right[data.labels == label].mean()) for label in range(10)]
        # the easiest class goes first: its images are the last in order of recall
        for count in range(9, 0, -1):
            rows = np.flatnonzero(np.isin(data.labels, np.argsort(recall)[:count]))
            loss = base - data.accuracy(data.images[rows], data.labels[rows])
            if loss >= COST:
                break
        return data.images[rows], data.labels[rows], loss
    for strength in np.arange(0.5, 10.01, 0.5):
        images = _pixels(SHIFTS[name](data.images, float(strength)))
        loss = base - data.accuracy(images, data.labels)
        if loss >= COST:
            break
    return images, data.labels, loss
