"""Comparison of two arms by accuracy and latency."""

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
    """Compare answers to the same images: difference and p-value.

    Answers are right or not, [n] each, n at least 1; the difference is that of the accuracies.

    Only images that one of the two alone gets wrong tell them apart (McNemar 1947), as tosses of a coin do.
    """
    gained, lost = int((challenger & ~champion).sum()), int((champion & ~challenger).sum())
    p_value = float(binomtest(gained, gained + lost).pvalue) if gained + lost else 1.0
    return (gained - lost) / len(champion), p_value


def compare_apart(champion: NDArray[np.bool_], challenger: NDArray[np.bool_]) -> tuple[float, float]:
    """Compare answers to different images: difference and p-value.

    The difference is that of the accuracies; at least one answer each.
    """
    table = [[int(arm.sum()), int((~arm).sum())] for arm in (challenger, champion)]
    test: Any = fisher_exact(table)
    return float(challenger.mean() - champion.mean()), float(test.pvalue)


def compare_latency(champion: NDArray[np.float64], challenger: NDArray[np.float64]) -> tuple[float, float]:
    """Compare latencies: difference of the medians in s, and p-value.

    At least one number each.
    """
    p_value = float(mannwhitneyu(challenger, champion).pvalue)
    return float(np.median(challenger) - np.median(champion)), p_value
