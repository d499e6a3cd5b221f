"""How far a model's confidence is from what it gets right. No torch, and no scikit-learn, which takes a second."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

Logits = NDArray[np.float32]
Labels = NDArray[np.int64]

BINS = 15


def expected_calibration_error(logits: Logits, labels: Labels) -> float:
    """The mean distance between confidence and accuracy over 15 bins of confidence, by the images in them.

    Guo et al. 2017 (arXiv:1706.04599), equation 3.
    """
    probabilities = softmax(logits, axis=1)
    confidence, hit = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    gaps = np.bincount(bin_of(confidence), weights=confidence - hit, minlength=BINS)
    return float(np.abs(gaps).sum() / len(labels))


def bin_of(confidence: NDArray[np.floating]) -> NDArray[np.int64]:
    """Which of the 15 bins, open below and closed above, each confidence [N] is in."""
    place: NDArray[np.int64] = np.ceil(confidence * BINS).astype(np.int64).clip(1, BINS) - 1
    return place
