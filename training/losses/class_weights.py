"""Class weights for imbalanced data."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from .config import LossConfig


def class_weights(config: LossConfig, counts: Sequence[int]) -> Tensor | None:
    """Return a weight per class for its training images; None: all alike.

    float32 [classes], of `counts` [classes].

    The weights are scaled so that their mean over the training images is 1: the loss, and with it the fitting learning
    rate, keeps its size. A class without images is weighed as if it had one.
    """
    if config.class_weights == "none":
        return None
    images = torch.tensor(counts, dtype=torch.float64).clamp_min(1)
    weights = _WEIGHTS[config.class_weights](config, images)
    # the mean over images, not over classes: the loss starts at its usual size
    return (weights * images.sum() / (weights * images).sum()).to(torch.float32)


def _inverse(config: LossConfig, images: Tensor) -> Tensor:
    return 1 / images


def _effective(config: LossConfig, images: Tensor) -> Tensor:
    """Return (1 - beta) / (1 - beta^n).

    Cui et al. 2019 (arXiv:1901.05555), equation 6.
    """
    return (1 - config.effective_beta) / (1 - config.effective_beta**images)


_WEIGHTS: dict[str, Callable[[LossConfig, Tensor], Tensor]] = {"inverse": _inverse, "effective": _effective}
