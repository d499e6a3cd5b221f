"""Optimisers from their configuration, with weight decay only where it belongs."""

from typing import Any

import torch
from torch import nn
from torch.optim import SGD, Optimizer
from torch.optim import AdamW as TorchAdamW

from ..errors import TrainingError
from .config import AdamW, OptimizerConfig, Sgd


def build_optimizer(config: OptimizerConfig, model: nn.Module) -> Optimizer:
    """The optimiser of `config` over the trainable parameters of `model`, which must be on its device already.

    Fused kernels everywhere: one pass over the parameters on CUDA, and on a CPU faster than or equal to the others.

    Raises:
        TrainingError: the model has nothing to train.
    """
    groups = parameter_groups(model, config.weight_decay)
    match config:
        case Sgd():
            nesterov = config.nesterov and config.momentum > 0  # torch refuses Nesterov without momentum
            return SGD(groups, lr=config.lr, momentum=config.momentum, nesterov=nesterov, fused=True)
        case AdamW():
            return TorchAdamW(groups, lr=config.lr, betas=(config.beta1, config.beta2), fused=True)


def parameter_groups(model: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Weights of two or more dimensions with the decay, everything else (norms, biases, scales) without.

    Decay pulls towards zero, which for a norm's scale is no prior worth having (He et al. 2018, arXiv:1812.01187,
    section 3.1).
    """
    trainable = [p for p in model.parameters() if p.requires_grad]
    if not trainable:
        raise TrainingError(f"model {type(model).__name__}: has no trainable parameters")
    decayed = [p for p in trainable if p.ndim >= 2]
    others = [p for p in trainable if p.ndim < 2]
    groups: list[dict[str, Any]] = [
        {"params": decayed, "weight_decay": weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    return [group for group in groups if group["params"]]


def set_lr(optimizer: Optimizer, lr: float) -> None:
    """Give every group the learning rate `lr`."""
    for group in optimizer.param_groups:
        group["lr"] = lr


@torch.no_grad()
def clip_gradients(parameters: list[nn.Parameter], max_norm: float | None) -> torch.Tensor:
    """The L2 norm over all gradients (a scalar on their device, before clipping), scaled down in place to `max_norm`.

    A norm that is not finite leaves gradients that are not finite: the loss of the next step shows it.
    """
    gradients = [p.grad for p in parameters if p.grad is not None]
    norm = nn.utils.get_total_norm(gradients)
    if max_norm is not None:
        nn.utils.clip_grads_with_norm_(parameters, max_norm, norm)
    return norm
