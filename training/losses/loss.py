"""The training loss."""

from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from .class_weights import class_weights
from .config import LossConfig
from .registry import LOSSES, PerImage

Loss = Callable[[Tensor, Tensor], Tensor]


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
    per_image = LOSSES.find(config.kind)(config)
    return partial(_weighted, per_image, None if weights is None else weights.to(device))


def _weighted(per_image: PerImage, weights: Tensor | None, logits: Tensor, labels: Tensor) -> Tensor:
    losses = per_image(logits, labels)
    if weights is not None:
        # Mixed labels [B, classes] weigh by their shares of the classes.
        losses = losses * ((labels * weights).sum(dim=1) if labels.ndim == 2 else weights[labels])
    return losses.mean()
