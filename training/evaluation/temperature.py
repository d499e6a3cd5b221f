"""Temperature scaling of a model's confidence."""

from collections.abc import Callable
from math import sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax, logsumexp

from ..metrics.calibration import Calibration
from ..metrics.confidence import Labels, Logits, expected_calibration_error

# Beyond these a model is certain of everything or of nothing, and the fit has run away.
LOWEST, HIGHEST = 0.05, 20.0
_PRECISION = 1e-5  # of the logarithm of the temperature


def fit_temperature(logits: Logits, labels: Labels) -> float:
    """Fit the temperature under which `labels` are most likely.

    Guo et al. 2017 (arXiv:1706.04599), section 4.2.

    On images that are all answered right the likelihood only grows as the temperature falls, and any confidence short
    of certainty would be refuted by nothing. So each label counts as right with probability (N + 1) / (N + 2), the rest
    spread over the other classes, as Platt (1999, "Probabilistic outputs for support vector machines", section 2.2)
    does for two classes: with many images this changes nothing, with few it keeps the answer modest.

    Args:
        logits: finite, [N, classes], N at least 1.
        labels: [N].
    """
    doubt = 1 / (len(labels) + 2)
    wide = logits.astype(np.float64)
    chosen = wide[np.arange(len(labels)), labels]
    other_logits = (wide.sum(axis=1) - chosen) / (wide.shape[1] - 1)
    target = ((1 - doubt) * chosen + doubt * other_logits).mean()

    def loss(log_temperature: float) -> float:
        sharpness = np.exp(-log_temperature)  # in which the loss is convex
        return float(np.mean(logsumexp(wide * sharpness, axis=1)) - sharpness * target)

    return float(np.exp(_lowest(loss, np.log(LOWEST), np.log(HIGHEST))))


def _lowest(function: Callable[[float], float], low: float, high: float) -> float:
    """Return where in [low, high] a function with one valley is lowest.

    By golden sections (Kiefer 1953, PAMS 4:502).

    Written out, since every short training ends with one, and scipy.optimize takes a third of a second to import.
    """
    share = (sqrt(5) - 1) / 2
    left, right = high - share * (high - low), low + share * (high - low)
    at_left, at_right = function(left), function(right)
    while high - low > _PRECISION:
        if at_left < at_right:
            high, right, at_right = right, left, at_left
            left = high - share * (high - low)
            at_left = function(left)
        else:
            low, left, at_left = left, right, at_right
            right = low + share * (high - low)
            at_right = function(right)
    return (low + high) / 2


def calibrate(logits: Logits, labels: Labels, weights: str) -> Calibration:
    """Fit a temperature on `logits` and measure what it does to them.

    `weights` says in words whose logits they are.
    """
    temperature = fit_temperature(logits, labels)
    divided = scaled(logits, temperature)
    return Calibration(
        temperature=temperature,
        weights=weights,
        images=len(labels),
        nll_before=negative_log_likelihood(logits, labels),
        nll_after=negative_log_likelihood(divided, labels),
        ece_before=expected_calibration_error(logits, labels),
        ece_after=expected_calibration_error(divided, labels),
    )


def scaled(logits: Logits, temperature: float) -> Logits:
    """Return `logits` divided by `temperature`."""
    return (logits / np.float32(temperature)).astype(np.float32)


def negative_log_likelihood(logits: Logits, labels: Labels) -> float:
    """Return the mean over images of -log(probability of the label), in nats."""
    logs: NDArray[np.float64] = log_softmax(logits.astype(np.float64), axis=1)
    return float(-logs[np.arange(len(labels)), labels].mean())
