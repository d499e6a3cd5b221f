"""The loss that is optimised."""

from collections.abc import Callable
from functools import partial

from torch import Tensor
from torch.nn.functional import cross_entropy

from .config import LossConfig

Loss = Callable[[Tensor, Tensor], Tensor]


def build_loss(config: LossConfig) -> Loss:
    """(logits [B, classes], labels [B]) to the mean cross-entropy in nats, a scalar.

    With label smoothing s the target is (1 - s) on the true class plus s spread evenly over all classes.
    """
    return partial(cross_entropy, label_smoothing=config.label_smoothing)
