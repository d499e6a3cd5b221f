"""The step of Muon on matrices: momentum, made orthogonal (Jordan et al. 2024, see muon.py).

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

_STEPS = 5
_A, _B, _C = 3.4445, -4.7750, 2.0315  # of the quintic: steep at 0, within 0.7 to 1.2 after five steps
_TINY = 1e-7


class OrthogonalMomentum(Optimizer):
    """Muon over `groups` of matrices [out, in]; each step has about the root mean square of AdamW's, 0.2."""

    def __init__(self, groups: list[Group], lr: float, momentum: float, nesterov: bool) -> None:
        super().__init__(groups, {"lr": lr, "momentum": momentum, "nesterov": nesterov})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Move every matrix that has a gradient; `closure` is not used."""
        for group in self.param_groups:
            for matrix in group["params"]:
                if matrix.grad is not None:
                    self._move(matrix, matrix.grad, group)

    def _move(self, matrix: Tensor, gradient: Tensor, group: Group) -> None:
        state = self.state[matrix]
        if not state:
            state["momentum_buffer"] = torch.zeros_like(gradient)
        buffer = state["momentum_buffer"].lerp_(gradient, 1 - group["momentum"])
        update = gradient.lerp(buffer, group["momentum"]) if group["nesterov"] else buffer
        matrix.mul_(1 - group["lr"] * group["weight_decay"])
        size = 0.2 * sqrt(max(matrix.shape))
        matrix.add_(orthogonalised(update), alpha=-group["lr"] * size)


def orthogonalised(matrix: Tensor) -> Tensor:
    """`matrix` [out, in] with singular values near 1: bf16 on CUDA, float32 elsewhere."""
    found = matrix.to(torch.bfloat16 if matrix.is_cuda else torch.float32)
    tall = found.shape[0] > found.shape[1]
    found = found.T if tall else found
    found = found / found.norm().clamp(min=_TINY)
    for _ in range(_STEPS):
        gram = found @ found.T
        polynomial = torch.addmm(gram, gram, gram, beta=_B, alpha=_C)
        found = torch.addmm(found, polynomial, found, beta=_A)
    return found.T if tall else found
