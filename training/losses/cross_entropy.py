"""`cross_entropy`: the negative logarithm of the probability of the true class."""

from functools import partial

from torch.nn import functional

from .config import LossConfig
from .registry import LOSSES, PerImage


@LOSSES.register("cross_entropy")
def cross_entropy(config: LossConfig) -> PerImage:
    """Build torch's, one value for each image."""
    return partial(functional.cross_entropy, label_smoothing=config.label_smoothing, reduction="none")
