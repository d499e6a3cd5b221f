"""Which images of one split are in another, too."""

import numpy as np
from numpy.typing import NDArray

from .alike import near, same
from .look import prints

_PORTION = 512  # images at a time, as a split may be larger than memory

Images = NDArray[np.uint8]


def shared(train: Images, held_out: Images) -> tuple[int, int | None]:
    """How many images of `held_out` are in `train`, with equal pixels, and how many others nearly are (alike.py).

    Both are uint8 [N, side, side, channels]. The second is None where there are too many to compare.
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
    across = close.pairs[(close.pairs < first).sum(axis=1) == 1]
    return len(equal), len({*across.max(axis=1).tolist()} - equal) if close.complete else None
