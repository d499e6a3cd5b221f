"""Muon's step on matrices: orthogonalised momentum.

Jordan et al. 2024, see muon.py.

The step is that of `torch.optim.Muon` with `adjust_lr_fn="match_rms_adamw"`, whose iteration is fixed to bf16. CPUs
without bf16 arithmetic emulate it: 28 ms for a 64x288 matrix and 1,070 ms for 128x1152, against 0.5 and 51 ms in
float32 (one thread, AVX2, busy machine). So here the number format follows the device.
"""

from collections.abc import Callable
from math import sqrt

import torch
from torch import Tensor
from torch.optim import Optimizer

from .groups import Group

_STEPS = 5  # of the iteration, as published
_A, _B, _C = 3.4445, -4.7750, 2.0315  # of the quintic: steep at 0, within 0.7 to 1.2 after five steps
_TINY = 1e-7  # of a norm: a matrix of zeros stays zero and does not become NaN


class OrthogonalMomentum(Optimizer):
    """Muon over `groups` of matrices [out, in].

    Each step has about the root mean square of AdamW's, 0.2.
    """

    def __init__(self, groups: list[Group], lr: float, momentum: float, nesterov: bool) -> None:
        super().__init__(groups, {"lr": lr, "momentum": momentum, "nesterov": nesterov})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Update every matrix that has a gradient; `closure` is not used."""
        for group in self.param_groups:
            for matrix in group["params"]:
                if matrix.grad is not None:
                    self._move(matrix, matrix.grad, group)

    def _move(self, matrix: Tensor, gradient: Tensor, group: Group) -> None:
        state = self.state[matrix]
        if not state:
            state["momentum_buffer"] = torch.zeros_like(gradient)
        buffer = state["momentum_buffer"].lerp_(gradient, 1 - group["momentum"])
        # Nesterov: the gradient where momentum would carry the weights
        update = gradient.lerp(buffer, group["momentum"]) if group["nesterov"] else buffer
        matrix.mul_(1 - group["lr"] * group["weight_decay"])  # decoupled weight decay, as in AdamW
        # An orthogonal [out, in] has the root mean square 1 / sqrt(max(out, in)); this makes it 0.2, as in Moonlight
        # (Liu et al. 2025, arXiv:2502.16982, section 2.2).
        size = 0.2 * sqrt(max(matrix.shape))
        matrix.add_(orthogonalised(update), alpha=-group["lr"] * size)


def orthogonalised(matrix: Tensor) -> Tensor:
    """Return `matrix` [out, in] with singular values near 1.

    bf16 on CUDA, float32 elsewhere.
    """
    x = matrix.to(torch.bfloat16 if matrix.is_cuda else torch.float32)
    tall = x.shape[0] > x.shape[1]
    x = x.T if tall else x  # [small, large]: the product below is then the smaller square
    x = x / x.norm().clamp(min=_TINY)  # singular values in [0, 1], where the iteration converges
    for _ in range(_STEPS):
        gram = x @ x.T
        polynomial = torch.addmm(gram, gram, gram, beta=_B, alpha=_C)
        x = torch.addmm(x, polynomial, x, beta=_A)
    return x.T if tall else x
