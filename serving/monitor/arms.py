"""Whether two arms differ in what they are there for: being right, and being quick."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest, fisher_exact, mannwhitneyu


@dataclass(frozen=True, slots=True)
class Difference:
    """The challenger less the champion.

    Attributes:
        accuracy: difference of the accuracies on feedback, None without feedback for both.
        accuracy_p: of equal accuracy: exact McNemar where both answered the same images, else Fisher's exact test.
        images: that the test rests on.
        paired: whether both answered the same images.
        latency_s: difference of the median latencies.
        latency_p: of equal latencies (Mann & Whitney 1947).
    """

    accuracy: float | None
    accuracy_p: float | None
    images: int
    paired: bool
    latency_s: float | None
    latency_p: float | None


def compare_paired(champion: NDArray[np.bool_], challenger: NDArray[np.bool_]) -> tuple[float, float]:
    """(difference of accuracies, p-value) of answers to the same images, right or not, [n] each, n at least 1.

    Only images that one of the two gets wrong tell them apart (McNemar 1947), and they do so as tosses of a coin.
    """
    gained, lost = int((challenger & ~champion).sum()), int((champion & ~challenger).sum())
    p_value = float(binomtest(gained, gained + lost).pvalue) if gained + lost else 1.0
    return (gained - lost) / len(champion), p_value


def compare_apart(champion: NDArray[np.bool_], challenger: NDArray[np.bool_]) -> tuple[float, float]:
    """(difference of accuracies, p-value) of answers to different images, at least one each."""
    table = [[int(arm.sum()), int((~arm).sum())] for arm in (challenger, champion)]
    found: Any = fisher_exact(table)
    return float(challenger.mean() - champion.mean()), float(found.pvalue)


def compare_latency(champion: NDArray[np.float64], challenger: NDArray[np.float64]) -> tuple[float, float]:
    """(difference of the medians in seconds, p-value), at least one number each."""
    p_value = float(mannwhitneyu(challenger, champion).pvalue)
    return float(np.median(challenger) - np.median(champion)), p_value
