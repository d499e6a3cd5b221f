"""The calibration error of a model's confidence.

No torch, and no scikit-learn, which takes a second to import.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

Logits = NDArray[np.float32]
Labels = NDArray[np.int64]

BINS = 15  # of confidence, as Guo et al. 2017 use: fewer hide errors that cancel, more have too few images each


def expected_calibration_error(logits: Logits, labels: Labels) -> float:
    """Return the expected calibration error over 15 bins of confidence.

    The mean distance between confidence and accuracy in a bin, weighted by the images in it; logits [N, classes],
    labels [N].

    Guo et al. 2017 (arXiv:1706.04599), equation 3.
    """
    probabilities = softmax(logits, axis=1)
    confidence, hit = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    # Per bin the sum of (confidence - hit): its absolute value is the bin's images times its gap.
    gaps = np.bincount(bin_of(confidence), weights=confidence - hit, minlength=BINS)
    return float(np.abs(gaps).sum() / len(labels))


def bin_of(confidence: NDArray[np.floating]) -> NDArray[np.int64]:
    """Return the index of the bin of each confidence [N].

    Bins are open below and closed above.
    """
    # 0 would be in a bin below the first
    bins: NDArray[np.int64] = np.ceil(confidence * BINS).astype(np.int64).clip(1, BINS) - 1
    return bins
