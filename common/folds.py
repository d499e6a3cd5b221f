"""The values of the folds of a cross-validation, and their spread."""

from collections.abc import Iterable, Sequence
from math import sqrt
from statistics import stdev
from typing import NamedTuple

MIN_FOLDS, MAX_FOLDS = 2, 20
"""How many there may be."""

_DIGITS = 12
"""That a fold's value is rounded to: a difference of means loses a few of 16, and equal folds must be equal."""


class Spread(NamedTuple):
    """The standard deviation `sd` of folds, and the standard error `se` of their mean."""

    sd: float
    se: float


def values_of_folds(means: Iterable[float]) -> list[float]:
    """The value of each fold, from the mean over the folds up to it.

    >>> values_of_folds([0.5, 0.75])
    [0.5, 1.0]
    """
    values, before = [], 0.0
    for count, mean in enumerate(means, start=1):
        values.append(round(count * mean - before, _DIGITS))
        before = count * mean
    return values


def spread_of(values: Sequence[float]) -> Spread | None:
    """The spread of the values of so many folds; None for fewer than two.

    The standard error is that of Nadeau and Bengio 2003 (Inference for the generalization error, section 3), for
    trainings that share most of their images: sd * sqrt(1/k + 1/(k - 1)) for k folds, where that of independent ones
    would be sd * sqrt(1/k), a third less.
    """
    if len(values) < 2:
        return None
    sd = stdev(values)
    return Spread(sd, sd * sqrt(1 / len(values) + 1 / (len(values) - 1)))
