"""Parameter groups by weight decay and share of the learning rate."""

from collections.abc import Mapping
from typing import Any

from torch import nn
from torch.optim import Optimizer

from ...errors import TrainingError

Group = dict[str, Any]

_NO_SCALES: Mapping[str, float] = {}  # a default that is not a mutable {} of the signature


def parameter_groups(model: nn.Module, weight_decay: float, lr_scales: Mapping[str, float] = _NO_SCALES) -> list[Group]:
    """Return the groups: matrices with the decay, vectors without.

    Norms, biases and scales are the vectors.

    Decay pulls towards zero, which for a norm's scale is no prior worth having (He et al. 2018, arXiv:1812.01187,
    section 3.1). Parameters of different `lr_scales` (by name; 1 where it says nothing) are in different groups.

    Raises:
        TrainingError: the model has nothing to train.
    """
    groups: dict[tuple[float, bool], list[nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            # ndim < 2: biases and the scales of norms.
            groups.setdefault((lr_scales.get(name, 1.0), parameter.ndim < 2), []).append(parameter)
    if not groups:
        raise TrainingError(f"model {type(model).__name__}: has no trainable parameters")
    return [
        {"params": parameters, "weight_decay": 0.0 if flat else weight_decay, "lr_scale": scale}
        # sorted: the order is the optimiser's state, it must be the same when a training is resumed
        for (scale, flat), parameters in sorted(groups.items(), key=lambda item: item[0])
    ]


def set_lr(optimizer: Optimizer, lr: float) -> None:
    """Set every group to its share of the learning rate `lr`."""
    for group in optimizer.param_groups:
        group["lr"] = lr * group["lr_scale"]
