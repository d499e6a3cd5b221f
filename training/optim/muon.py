"""Muon: momentum made orthogonal for the hidden matrices of a model, AdamW for everything else, as one optimiser.

K. Jordan et al. 2024, https://kellerjordan.github.io/posts/muon/. As its authors advise, the first and the last matrix
(what meets the pixels, and what gives the logits), norms and biases are AdamW's, and the kernel of a convolution is a
matrix of its output channels.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import AdamW, Optimizer

from ...errors import TrainingError
from .config import Muon
from .groups import Group
from .orthogonal import OrthogonalMomentum
from .uncompiled import uncompiled


def hidden_matrices(model: nn.Module) -> set[nn.Parameter]:
    """The trainable parameters of two or more dimensions, less the first and the last of the model's.

    Raises:
        TrainingError: there are none.
    """
    matrices = [parameter for parameter in model.parameters() if parameter.ndim >= 2]
    hidden = {parameter for parameter in matrices[1:-1] if parameter.requires_grad}
    if not hidden:
        raise TrainingError(
            f"optimizer.name: muon needs a trainable matrix between the first and the last, and model "
            f"{type(model).__name__} has none; choose adamw"
        )
    return hidden


class MuonWithAdamW(Optimizer):
    """Muon over the parameters in `hidden`, AdamW over the others of `groups`.

    The groups hold the parameters themselves, so that a gradient scaler and `set_lr` see an optimiser like any other.
    Muon gets two-dimensional views of the same memory.
    """

    def __init__(self, groups: list[Group], hidden: set[nn.Parameter], config: Muon) -> None:
        inside = _part(groups, lambda parameter: parameter in hidden)
        others = _part(groups, lambda parameter: parameter not in hidden)
        super().__init__([*inside, *others], {"lr": config.lr})
        self._matrices = [(p, _matrix(p.detach(), p)) for group in inside for p in group["params"]]
        views = iter([view for _, view in self._matrices])
        matrices = [{**group, "params": [next(views) for _ in group["params"]]} for group in inside]
        self._muon = uncompiled(OrthogonalMomentum)(matrices, config.lr, config.momentum, config.nesterov)
        self._adamw = uncompiled(AdamW)(others, lr=config.lr, betas=(config.beta1, config.beta2), fused=True)

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Move every parameter by its gradient; `closure` is not used."""
        inner = [*self._muon.param_groups, *self._adamw.param_groups]
        for group, own in zip(self.param_groups, inner, strict=True):
            own["lr"] = group["lr"]
        for parameter, view in self._matrices:
            view.grad = None if parameter.grad is None else _matrix(parameter.grad, parameter)
        self._muon.step()
        self._adamw.step()
        for _, view in self._matrices:
            view.grad = None

    def state_dict(self) -> dict[str, Any]:
        """The states of both."""
        return {"muon": self._muon.state_dict(), "adamw": self._adamw.state_dict()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from what `state_dict()` gave.

        Raises:
            ValueError, KeyError: it belongs to another model or optimiser.
        """
        self._muon.load_state_dict(state_dict["muon"])
        self._adamw.load_state_dict(state_dict["adamw"])


def _part(groups: list[Group], belongs: Callable[[nn.Parameter], bool]) -> list[Group]:
    """The groups with those of their parameters that belong; empty groups are left out."""
    parts = [{**group, "params": [p for p in group["params"] if belongs(p)]} for group in groups]
    return [part for part in parts if part["params"]]


def _matrix(values: Tensor, parameter: nn.Parameter) -> Tensor:
    """`values`, shaped like `parameter` [out, ...], as [out, rest]: a view where both lie alike in memory.

    The order of columns is that of memory: an orthogonalised matrix does not depend on it.
    """
    if parameter.ndim == 4 and not parameter.is_contiguous():
        values = values.permute(0, 2, 3, 1)  # channels_last
    return values.reshape(len(values), -1)
