"""The training loss."""

from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, log_softmax, one_hot

from .class_weights import class_weights
from .config import LossConfig

Loss = Callable[[Tensor, Tensor], Tensor]

_SMALLEST = 1e-6  # least 1 - p: with a gamma below 1 the slope of (1 - p)^gamma is infinite at 0


def build_loss(config: LossConfig, counts: Sequence[int] = (), device: torch.device | str = "cpu") -> Loss:
    """Return the loss: (logits [B, classes], labels) to a scalar in nats.

    It is the mean over images. Labels are int64 [B], or probabilities [B, classes] where images are mixed. With label
    smoothing s the target is (1 - s) on the true class plus s spread evenly over all classes. `counts` are the training
    images of each class, for class weights; an image's loss is multiplied by the weight of its class, and the mean is
    over images, so that it does not matter how they are parted into batches.
    """
    weights = class_weights(config, counts)
    if config.kind == "cross_entropy" and weights is None:
        return partial(cross_entropy, label_smoothing=config.label_smoothing)
    per_image = _PER_IMAGE[config.kind](config)
    return partial(_weighted, per_image, None if weights is None else weights.to(device))


def _weighted(per_image: Loss, weights: Tensor | None, logits: Tensor, labels: Tensor) -> Tensor:
    losses = per_image(logits, labels)
    if weights is not None:
        # Mixed labels [B, classes] weigh by their shares of the classes.
        losses = losses * ((labels * weights).sum(dim=1) if labels.ndim == 2 else weights[labels])
    return losses.mean()


def _cross_entropy(config: LossConfig) -> Loss:
    return partial(cross_entropy, label_smoothing=config.label_smoothing, reduction="none")


def _focal(config: LossConfig) -> Loss:
    return partial(focal, gamma=config.focal_gamma, label_smoothing=config.label_smoothing)


_PER_IMAGE: dict[str, Callable[[LossConfig], Loss]] = {"cross_entropy": _cross_entropy, "focal": _focal}


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
