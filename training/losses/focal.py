"""`focal`: less weight on well-classified images. Lin et al. 2017, arXiv:1708.02002."""

from functools import partial

import torch
from torch import Tensor
from torch.nn.functional import log_softmax, one_hot

from .config import LossConfig
from .registry import LOSSES, PerImage

_SMALLEST = 1e-6  # least 1 - p: with a gamma below 1 the slope of (1 - p)^gamma is infinite at 0


@LOSSES.register("focal")
def build_focal(config: LossConfig) -> PerImage:
    """Build the focal loss of each image."""
    return partial(focal, gamma=config.focal_gamma, label_smoothing=config.label_smoothing)


def focal(logits: Tensor, labels: Tensor, gamma: float, label_smoothing: float = 0.0) -> Tensor:
    """Return the focal loss of each image [B].

    -(1 - p)^gamma log(p), with p the probability of the true class.

    Lin et al. 2017 (arXiv:1708.02002), equation 4, with a softmax in place of the sigmoid; with label smoothing or
    mixed images the mean over classes by their share in the target, as cross-entropy has it.
    """
    log_p = log_softmax(logits.float(), dim=1)  # [B, classes]; float32, since under fp16 1 - p would have three digits
    # -expm1(log p) is 1 - p without cancellation where p is near 1.
    losses = -((-torch.expm1(log_p)).clamp_min(_SMALLEST) ** gamma) * log_p
    classes = logits.shape[1]
    target = labels if labels.ndim == 2 else one_hot(labels, classes)  # [B, classes]
    target = target.to(losses.dtype) * (1 - label_smoothing) + label_smoothing / classes
    return (target * losses).sum(dim=1)
