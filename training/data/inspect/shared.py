"""Images of one split that are also in another."""

import numpy as np
from numpy.typing import NDArray

from .alike import near, same
from .look import prints

_PORTION = 512  # images at a time, as a split may be larger than memory

Images = NDArray[np.uint8]


def shared(train: Images, held_out: Images) -> tuple[int, int | None]:
    """Count the images of `held_out` that are (nearly) in `train`.

    The first number is of equal pixels, the second of others that are nearly equal (alike.py), None where there are too
    many to compare. Both arrays are uint8 [N, side, side, channels].
    """
    parts = [
        prints(np.asarray(images[start : start + _PORTION]))
        for images in (train, held_out)
        for start in range(0, len(images), _PORTION)
    ]
    digests, thumbs = (np.concatenate(values) for values in zip(*parts, strict=True))
    first = len(train)
    groups = same(digests)
    equal = {int(row) for group in groups if group[0] < first for row in group if row >= first}
    repeated = np.concatenate([group[1:] for group in groups]) if groups else np.empty(0, np.int64)
    close = near(thumbs, repeated)
    # Pairs of which exactly one image is of `train`: the others are twins within a split.
    across = close.pairs[(close.pairs < first).sum(axis=1) == 1]
    return len(equal), len({*across.max(axis=1).tolist()} - equal) if close.complete else None
