"""Gradient norm and gradient clipping."""

import torch
from torch import Tensor, nn


@torch.no_grad()
def clip_gradients(parameters: list[nn.Parameter], max_norm: float | None, max_value: float | None = None) -> Tensor:
    """Clip the gradients in place; return their L2 norm before that.

    The norm is over all gradients, a scalar on their device.

    Each element is first cut to [-max_value, max_value], then all are scaled down to the norm `max_norm` (Pascanu et
    al. 2012, arXiv:1211.5063, algorithm 1). A norm that is not finite leaves gradients that are not finite: the loss
    of the next step shows it.
    """
    # A tensor, never .item(): this runs at every step, and reading it would be a CPU-GPU sync point.
    norm = _norm(parameters)
    clipped = norm
    if max_value is not None:
        nn.utils.clip_grad_value_(parameters, max_value)
        # Only where it is used: the norm is a pass over all gradients.
        clipped = _norm(parameters) if max_norm is not None else norm
    if max_norm is not None:
        nn.utils.clip_grads_with_norm_(parameters, max_norm, clipped)
    return norm


def _norm(parameters: list[nn.Parameter]) -> Tensor:
    return nn.utils.get_total_norm([p.grad for p in parameters if p.grad is not None])
