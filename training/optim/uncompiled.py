"""Optimisers without torch.compile's wrappers."""

from functools import cache
from inspect import getattr_static, isfunction, unwrap
from typing import TypeVar, cast

import torch
from torch.optim import Optimizer

Kind = TypeVar("Kind", bound=Optimizer)

_WRAPS = "__wrapped__"  # what functools.wraps leaves


def uncompiled(kind: type[Kind]) -> type[Kind]:
    """Return `kind` with its methods as written, without torch's wrappers.

    torch wraps them for compiled optimisers. Those wrappers import torch._dynamo when they are first called, which
    takes as long as all the rest of torch. Here only a forward pass is ever compiled, with no optimiser in it. The
    numbers are the same.
    """
    return cast(type[Kind], _uncompiled(kind))  # type: ignore[arg-type]  # mypy: a class is no Hashable


@cache
def _uncompiled(kind: type[Optimizer]) -> type[Optimizer]:
    members = {name: getattr_static(kind, name) for name in dir(kind)}
    written = {
        name: unwrap(method) for name, method in members.items() if isfunction(method) and hasattr(method, _WRAPS)
    }
    return type(kind.__name__, (kind,), {**written, "step": torch.no_grad()(unwrap(kind.step))})
