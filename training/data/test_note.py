"""A note, before training, on the precision of the test split."""

from collections.abc import Sequence

from ...common.interval import wilson
from ...common.plural import plural
from ..setting import Setting
from .config import DataConfig

WIDE = 0.10  # of the 95 % interval; models that differ by a few points are not told apart by a wider one
_RIGHT = 0.9  # the accuracy of which the note gives the width; at 0.5 it is about 1.6 times as wide
_SHARES = (0.15, 0.2, 0.25, 0.3)  # that may be advised; more takes too much from training


def expected_width(images: int) -> float:
    """Return the width of the 95 % interval of accuracy 0.9.

    In [0, 1], on so many `images`, at least 1.
    """
    low, high = wilson(round(_RIGHT * images), images)
    return high - low


def test_note(images: int, config: DataConfig, given_splits: Sequence[str]) -> str:
    """Return a sentence on a test split of `images` images (at least 1).

    With advice where it is small. `given_splits` are those that the source names, of which none can be made larger by
    a setting.
    """
    has = f"the test split has {plural(images, 'image')}"
    sentence = f"{has}: the 95 % interval of an accuracy of {100 * _RIGHT:.0f} % will be {_points(images)} wide"
    if expected_width(images) <= WIDE or config.test_fold:  # other folds are tested too
        return sentence
    larger = {} if "test" in given_splits else {_grown(images, share, config): share for share in _SHARES}
    enough = [count for count in larger if count > images]
    if not enough:
        return f"{sentence}; give more test images"
    count = next((count for count in enough if expected_width(count) <= WIDE), enough[-1])
    flag = Setting("data.test_fraction", larger[count]).flag
    return f"{sentence}; give more test images, or {flag} (about {count:,} images, {_points(count)})"


def _grown(images: int, share: float, config: DataConfig) -> int:
    return round(images * share / config.test_fraction)


def _points(images: int) -> str:
    return f"{100 * expected_width(images):.{0 if images < 1000 else 1}f} points"
