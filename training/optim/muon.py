"""Muon for the hidden matrices of a model, AdamW for everything else.

One optimiser of both. K. Jordan et al. 2024, https://kellerjordan.github.io/posts/muon/. As its authors advise, the
first and the last matrix (what meets the pixels, and what gives the logits), norms and biases are AdamW's, and the
kernel of a convolution is a matrix of its output channels.
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
    """Return the trainable matrices of `model` but the first and the last.

    Matrices are parameters of two or more dimensions.

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
        hidden_groups = _groups_with(groups, lambda parameter: parameter in hidden)
        other_groups = _groups_with(groups, lambda parameter: parameter not in hidden)
        super().__init__([*hidden_groups, *other_groups], {"lr": config.lr})
        # detach() shares the memory: what Muon does to the view [out, in * kh * kw] happens to the parameter.
        self._matrices = [(p, _matrix(p.detach(), p)) for group in hidden_groups for p in group["params"]]
        views = iter([view for _, view in self._matrices])
        matrices = [{**group, "params": [next(views) for _ in group["params"]]} for group in hidden_groups]
        self._muon = uncompiled(OrthogonalMomentum)(matrices, config.lr, config.momentum, config.nesterov)
        self._adamw = uncompiled(AdamW)(other_groups, lr=config.lr, betas=(config.beta1, config.beta2), fused=True)

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Update every parameter by its gradient; `closure` is not used."""
        # The schedule sets the rate on this optimiser's groups; both inner ones have groups of their own.
        inner = [*self._muon.param_groups, *self._adamw.param_groups]
        for group, own_group in zip(self.param_groups, inner, strict=True):
            own_group["lr"] = group["lr"]
        # Gradients are new tensors after every zero_grad(set_to_none=True), so that their views are made anew.
        for parameter, view in self._matrices:
            view.grad = None if parameter.grad is None else _matrix(parameter.grad, parameter)
        self._muon.step()
        self._adamw.step()
        for _, view in self._matrices:
            view.grad = None  # else the views would keep the gradients' memory alive through the next forward pass

    def state_dict(self) -> dict[str, Any]:
        """Return the states of both optimisers."""
        return {"muon": self._muon.state_dict(), "adamw": self._adamw.state_dict()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore what `state_dict()` returned.

        Raises:
            ValueError, KeyError: it belongs to another model or optimiser.
        """
        self._muon.load_state_dict(state_dict["muon"])
        self._adamw.load_state_dict(state_dict["adamw"])


def _groups_with(groups: list[Group], belongs: Callable[[nn.Parameter], bool]) -> list[Group]:
    """Return the groups with their parameters that belong.

    Empty groups are left out.
    """
    parts = [{**group, "params": [p for p in group["params"] if belongs(p)]} for group in groups]
    return [part for part in parts if part["params"]]


def _matrix(values: Tensor, parameter: nn.Parameter) -> Tensor:
    """Return `values`, shaped like `parameter` [out, ...], as [out, rest].

    It is a view where both lie alike in memory. The order of columns is that of memory: an orthogonalised matrix does
    not depend on it.
    """
    if parameter.ndim == 4 and not parameter.is_contiguous():
        values = values.permute(0, 2, 3, 1)  # channels_last: [out, in, kh, kw] lies in memory as [out, kh, kw, in]
    return values.reshape(len(values), -1)
