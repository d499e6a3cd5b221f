"""Accuracy, estimated from confidence or counted from true labels."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from ...common.interval import wilson
from .features import Numbers

_TEMPERATURES = (0.2, 5.0)  # searched: five times sharper or softer; beyond them a model is beyond calibration


@dataclass(frozen=True, slots=True)
class Counted:
    """Counted accuracy with its 95 % Wilson interval.

    Over `count` predictions with true labels.
    """

    correct: int
    count: int
    accuracy: float
    low: float
    high: float

    @classmethod
    def of(cls, correct: int, count: int) -> "Counted":
        """Count `correct` of `count`, which is at least 1."""
        return cls(correct, count, correct / count, *wilson(correct, count))


class Estimator:
    """An estimate of accuracy on images without labels.

    It is the mean of the calibrated confidence.

    The confidence is calibrated on the reference once more: a temperature (Guo et al. 2017, section 4.2), then a
    constant, so that on the reference itself the estimate is its accuracy. The estimate follows changes that the
    model is unsure about; of what it is confidently wrong about, it knows nothing.

    Args:
        probabilities: of the reference, [N, classes].
        labels: true classes, [N].
    """

    def __init__(self, probabilities: Numbers, labels: NDArray[np.int64]) -> None:
        self._power = 1 / _temperature(probabilities, labels)
        right = probabilities.argmax(axis=1) == labels
        self._offset = float(right.mean() - self._confidence(probabilities).mean())

    def accuracy(self, probabilities: Numbers) -> float:
        """Estimate the accuracy of `probabilities` [n, classes], in [0, 1]."""
        return float(np.clip(self._confidence(probabilities).mean() + self._offset, 0, 1))

    def _confidence(self, probabilities: Numbers) -> Numbers:
        result: Numbers = _sharpened(probabilities, self._power).max(axis=1)
        return result


def _temperature(probabilities: Numbers, labels: NDArray[np.int64]) -> float:
    def loss(log_temperature: float) -> float:
        shares = _sharpened(probabilities, float(np.exp(-log_temperature)))
        # shares [N, classes] -> the true class's [N]; the bound keeps a share of 0 from an infinite loss
        return float(-np.log(np.maximum(shares[np.arange(len(labels)), labels], 1e-12)).mean())

    optimum = minimize_scalar(loss, bounds=tuple(np.log(_TEMPERATURES)), method="bounded")
    return float(np.exp(optimum.x))


def _sharpened(probabilities: Numbers, power: float) -> Numbers:
    """Return the softmax of the logits times `power`.

    From the probabilities, whose logarithms are the logits but for a constant.
    """
    raised = np.maximum(probabilities, 1e-12) ** power
    result: Numbers = raised / raised.sum(axis=1, keepdims=True)
    return result
