"""How fine a validation split is: which differences between two configurations it shows."""

from math import sqrt

from ...common.interval import Z_95
from ...common.plural import plural
from ..setting import Setting

COARSE = 0.05
"""Of accuracy: usual and good values of most hyperparameters differ by less, so that a search would choose by luck."""
FOLDS = 5  # parts of the usual cross-validation (Kohavi 1995, IJCAI, advises 5 to 10)
_RIGHT = 0.9  # the accuracy at which they are compared, as in test_note


def least_difference(images: int) -> float:
    """Return the least difference between two accuracies near 0.9 that so many `images`, at least 1, tell from chance.

    In [0, 1], with a confidence of 95 %, as if both configurations were wrong independently: those that are wrong on
    the same images are told apart a little sooner.
    """
    return Z_95 * sqrt(2 * _RIGHT * (1 - _RIGHT) / images)


def validation_note(images: int, others: int, *, is_given: bool) -> str:
    """Return a sentence on a validation split of `images` images, at least 1, with advice where it is coarse.

    `others` are the training images, of which folds would validate each once; a split that `is_given` by the source
    stays as it is.
    """
    points = 100 * least_difference(images)
    sentence = (
        f"the validation split has {plural(images, 'image')}: it tells two configurations apart that differ by "
        f"{points:.1f} points of accuracy"
    )
    if is_given or least_difference(images) <= COARSE:
        return sentence
    whole = 100 * least_difference(images + others)
    flag = Setting("data.folds", FOLDS).flag
    return f"{sentence}; {flag} validates each of {images + others:,} images once ({whole:.1f} points)"
