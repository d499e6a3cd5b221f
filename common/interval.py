"""Confidence intervals of a share, such as an accuracy."""

from math import sqrt
from statistics import NormalDist

Z_95 = NormalDist().inv_cdf(0.975)
"""Half the width of a 95 % interval of a normal distribution, in standard errors."""


def wilson(correct: int, count: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return Wilson's score interval of the share correct / count.

    Wilson 1927, JASA 22:209; both ends are in [0, 1].

    Unlike the textbook interval it stays within [0, 1] and has a width also where every answer is right. It is written
    out since every run begins with one, and scipy.stats takes a second to import.

    Args:
        correct: how many of `count` answers are right.
        count: at least 1.
        confidence: in (0, 1).
    """
    share, z = correct / count, NormalDist().inv_cdf((1 + confidence) / 2)
    middle, scale = share + z**2 / (2 * count), 1 + z**2 / count
    half = z * sqrt(share * (1 - share) / count + (z / (2 * count)) ** 2)
    # the ends are exact there; computed, they would miss 0 and 1 by rounding
    return (0.0 if correct == 0 else (middle - half) / scale), (1.0 if correct == count else (middle + half) / scale)


def around(share: float, count: int) -> tuple[float, float]:
    """Return Wilson's interval of a `share` measured on `count` images.

    `count` is at least 1.
    """
    return wilson(round(share * count), count)


def standard_error(share: float, count: int) -> float:
    """Return the standard error of a `share` measured on `count` images, at least 1.

    It is that of Wilson's interval: the textbook's sqrt(share (1 - share) / count) says that a share of 0 or 1 is sure.
    """
    low, high = around(share, count)
    return (high - low) / (2 * Z_95)
