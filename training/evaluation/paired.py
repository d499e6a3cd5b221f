"""The difference of two accuracies on the same images, by a paired bootstrap. No torch."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .bootstrap import CONFIDENCE, Interval

RESAMPLES = 20_000
"""The smallest p is 1 in 10,000; three numbers are drawn for each, which takes a few milliseconds."""


@dataclass(frozen=True, slots=True)
class PairedDifference:
    """The accuracy of a first model minus that of a second on the same `images`, at least 1.

    `interval` holds it with 95 %; `p` is how probable so large a difference is where both are equally right (two-sided,
    in (0, 1]); `only_first` and `only_second` count the images that one of them alone answered right.
    """

    images: int
    difference: float
    interval: Interval
    p: float
    only_first: int
    only_second: int


def paired_difference(
    first: NDArray[np.bool_], second: NDArray[np.bool_], resamples: int = RESAMPLES, seed: int = 0
) -> PairedDifference:
    """Compare which of N images two models answered right, both [N].

    Percentile bootstrap over the images (Efron & Tibshirani 1993, chapter 13), the p-value from the same resamples
    (chapter 15): twice the share on the other side of 0, at most 1.

    Only images that one model alone has right make a difference, so that drawing N images with replacement is one
    multinomial draw over three cells. Of pairs of models that are equally right, 4.3 to 5.4 % have p <= 0.05 (measured
    on 180 to 10,000 images of which 1 to 15 % are answered differently, 1,500 pairs each).
    """
    images = len(first)
    only_first, only_second = int((first & ~second).sum()), int((second & ~first).sum())
    shares = np.array([only_first, only_second, images - only_first - only_second]) / images
    drawn = np.random.default_rng(seed).multinomial(images, shares, size=resamples)
    differences = drawn[:, 0] - drawn[:, 1]
    fewer = min(int((differences <= 0).sum()), int((differences >= 0).sum()))
    tail = 100 * (1 - CONFIDENCE) / 2
    low, high = np.percentile(differences / images, [tail, 100 - tail])
    return PairedDifference(
        images=images,
        difference=(only_first - only_second) / images,
        interval=(float(low), float(high)),
        p=min(1.0, 2 * (fewer + 1) / (resamples + 1)),  # 1: what was measured is one of the draws, so that p is not 0
        only_first=only_first,
        only_second=only_second,
    )
