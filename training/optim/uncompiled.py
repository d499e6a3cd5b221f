"""Optimisers that need nothing of torch.compile."""

from functools import cache
from inspect import getattr_static, isfunction, unwrap
from typing import TypeVar, cast

import torch
from torch.optim import Optimizer

Kind = TypeVar("Kind", bound=Optimizer)

_WRAPS = "__wrapped__"  # what functools.wraps leaves


def uncompiled(kind: type[Kind]) -> type[Kind]:
    """`kind` with its methods as they are written, without what torch wraps around them for compiled optimisers.

    Those wrappers import torch._dynamo when they are first called, which takes as long as all the rest of torch. Here
    only a forward pass is ever compiled, with no optimiser in it. The numbers are the same.
    """
    return cast(type[Kind], _uncompiled(kind))  # type: ignore[arg-type]  # mypy: a class is no Hashable


@cache
def _uncompiled(kind: type[Optimizer]) -> type[Optimizer]:
    found = {name: getattr_static(kind, name) for name in dir(kind)}
    written = {name: unwrap(method) for name, method in found.items() if isfunction(method) and hasattr(method, _WRAPS)}
    return type(kind.__name__, (kind,), {**written, "step": torch.no_grad()(unwrap(kind.step))})
