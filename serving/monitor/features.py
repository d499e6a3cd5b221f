"""The watched features of a prediction, in units and on a scale.

Numbers as people know them, and the same on a scale that no data set decides.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..statistics import InputStatistics

Numbers = NDArray[np.float64]
FAMILIES = ("classes", "certainty", "images", "embedding")

_LOG_ODDS = 12.0  # probabilities nearer to 0 or 1 than 6e-6 are not told apart
_ENTROPY_DECADES = 6.0  # below a millionth of the largest entropy a model is simply certain
_SHARPNESS_DECADES = (-3.0, 0.7)  # from 0.001 to 5
_MOST_CONTRAST = 0.5  # of values in 0..1: half black, half white
_AFTER_CLASSES = 6  # columns of `measure`: confidence, entropy, three statistics, similarity


@dataclass(frozen=True, slots=True)
class Feature:
    """A watched feature.

    `name` is for people ("class 7", "brightness"), `family` one of `FAMILIES`.
    """

    name: str
    family: str


def watched_features(class_names: tuple[str, ...]) -> tuple[Feature, ...]:
    """Return the features in the order of the columns of `measure`."""
    return (
        *(Feature(f"class {name}", "classes") for name in class_names),
        Feature("confidence", "certainty"),
        Feature("entropy", "certainty"),
        *(Feature(name, "images") for name in InputStatistics._fields),
        Feature("embedding", "embedding"),
    )


def measure(probabilities: Numbers, statistics: Numbers, similarity: Numbers) -> Numbers:
    """Return the features of predictions in own units, [N, classes + 6].

    NaN where something was not measured.

    Args:
        probabilities: [N, classes], at least 2 classes.
        statistics: brightness, contrast and sharpness, [N, 3].
        similarity: to the reference in the embedding, [N] in [0, 1].
    """
    confidence = probabilities.max(axis=1, keepdims=True)
    return np.hstack([probabilities, confidence, entropy(probabilities)[:, None], statistics, similarity[:, None]])


def entropy(probabilities: Numbers) -> Numbers:
    """Return each row's entropy by that of a uniform one.

    0 is certain, 1 knows nothing.
    """
    shares = np.asarray(probabilities, np.float64)
    result: Numbers = -(shares * np.log(np.maximum(shares, 1e-12))).sum(axis=1) / np.log(shares.shape[1])
    return result


def to_scale(measured: Numbers) -> Numbers:
    """Bring each feature to [0, 1] by a fixed rising function.

    The features are as `measure` gives them.
    """
    scaled = np.empty_like(measured, np.float64)
    odds = measured.shape[1] - _AFTER_CLASSES + 1  # the classes and the confidence
    shares = np.clip(measured[:, :odds], 1e-9, 1 - 1e-9)
    # log-odds spread out what matters: 0.99 and 0.9999 are as far apart as 0.5 and 0.99
    scaled[:, :odds] = _between(np.log(shares / (1 - shares)), -_LOG_ODDS, _LOG_ODDS)
    spread, brightness, contrast, sharpness, similarity = measured[:, odds:].T
    scaled[:, odds] = _between(np.log10(np.maximum(spread, 1e-9)), -_ENTROPY_DECADES, 0)
    scaled[:, odds + 1] = brightness
    scaled[:, odds + 2] = contrast / _MOST_CONTRAST
    scaled[:, odds + 3] = _between(np.log10(np.maximum(sharpness, 1e-9)), *_SHARPNESS_DECADES)
    scaled[:, odds + 4] = similarity
    return np.clip(scaled, 0, 1)


def _between(values: Numbers, low: float, high: float) -> Numbers:
    return (values - low) / (high - low)
