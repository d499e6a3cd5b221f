"""How exactly the test split will tell an accuracy, and what makes it more exact, said before anything is trained."""

from collections.abc import Sequence

from ...common.interval import wilson
from ...common.page import counted
from ..setting import Setting
from .config import DataConfig

WIDE = 0.10  # of the 95 % interval; models that differ by a few points are not told apart by a wider one
_RIGHT = 0.9  # the accuracy for which the width is told; where half are right it is about 1.6 times as wide
_SHARES = (0.15, 0.2, 0.25, 0.3)  # that may be advised; more takes too much from training


def expected_width(images: int) -> float:
    """The width in [0, 1] of the 95 % interval of an accuracy of about 0.9 on so many `images`, at least 1."""
    low, high = wilson(round(_RIGHT * images), images)
    return high - low


def test_note(images: int, config: DataConfig, given_splits: Sequence[str]) -> str:
    """A sentence on a test split of so many `images`, at least 1, with advice where it is small.

    `given_splits` are those that the source names, of which none can be made larger by a setting.
    """
    has = f"the test split has {counted(images, 'image')}"
    told = f"{has}: the 95 % interval of an accuracy of {100 * _RIGHT:.0f} % will be {_points(images)} wide"
    if expected_width(images) <= WIDE:
        return told
    larger = {} if "test" in given_splits else {_grown(images, share, config): share for share in _SHARES}
    enough = [count for count in larger if count > images]
    if not enough:
        return f"{told}; give more test images"
    count = next((count for count in enough if expected_width(count) <= WIDE), enough[-1])
    flag = Setting("data.test_fraction", larger[count]).flag
    return f"{told}; give more test images, or {flag} (about {count:,} images, {_points(count)})"


def _grown(images: int, share: float, config: DataConfig) -> int:
    return round(images * share / config.test_fraction)


def _points(images: int) -> str:
    return f"{100 * expected_width(images):.{0 if images < 1000 else 1}f} points"
