"""Real images as an exported model takes them."""

import numpy as np
from numpy.typing import NDArray

from ..data.pack import Split


def sample(split: Split, count: int) -> Split:
    """At most `count` images of `split`, evenly spaced over it."""
    rows = np.unique(np.linspace(0, len(split) - 1, min(count, len(split))).astype(np.int64))
    return Split(split.images[rows], split.labels[rows], split.index[rows])


def as_input(split: Split) -> NDArray[np.uint8]:
    """The images of `split`, uint8 [N, H, W, C], as uint8 [N, C, H, W] in memory of their own."""
    return np.ascontiguousarray(split.images.transpose(0, 3, 1, 2))
