"""Losses by `loss.kind`, each in the module of its name."""

from collections.abc import Callable
from typing import TYPE_CHECKING, get_args

from ...common.registry import Registry
from ...errors import TrainingError
from .config import LossConfig

if TYPE_CHECKING:
    from torch import Tensor

# (logits [B, classes], labels int64 [B] or probabilities [B, classes]) to the loss of each image [B] in nats
PerImage = Callable[["Tensor", "Tensor"], "Tensor"]

LOSSES: Registry[Callable[[LossConfig], PerImage]] = Registry(
    "loss",
    error=TrainingError,
    modules={name: f"{__package__}.{name}" for name in get_args(LossConfig.model_fields["kind"].annotation)},
)
