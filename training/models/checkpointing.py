"""Activation checkpointing (Chen et al. 2016, arXiv:1604.06174): activations are computed twice instead of kept.

Between the blocks of a network activations are kept, within a block they are computed again when the backward pass gets
there. The numbers stay the same to the last bit: dropout draws the same again, and batch norm takes a batch into its
running averages once, in the first pass.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.checkpoint import checkpoint

from ...errors import TrainingError

_LISTS = (nn.Sequential, nn.ModuleList)
_POOLS = (nn.MaxPool2d, nn.AvgPool2d)
_BLOCKS_AS_ATTRIBUTES = 4


def checkpoint_activations(model: nn.Module) -> None:
    """Let the blocks of `model` compute their activations again in the backward pass, in place.

    A block is an element of an `nn.Sequential` or `nn.ModuleList` that itself consists of modules, such as a residual
    block or a transformer layer. A plain row of layers, as in VGG, is cut after each pooling. Parameters, buffers and
    their names stay, and copies of the model behave like it.

    Raises:
        TrainingError: the model has no blocks.
    """
    blocks = list(_blocks(model))
    for block in blocks:
        kind = _InParts if _is_long_row(block) else _Whole
        block.__class__ = type(f"Checkpointed{type(block).__name__}", (kind, type(block)), {})
    if not blocks:
        raise TrainingError(
            f"memory.checkpoint_activations: {type(model).__name__} has no blocks in an nn.Sequential or nn.ModuleList"
            " whose activations could be computed again; set it to false"
        )


class _Whole(nn.Module):
    """Mixed into the class of a block: its forward pass is run again in the backward pass."""

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return _again(self, super().forward, *args, **kwargs)


class _InParts(nn.Sequential):
    """Mixed into the class of a row of layers: each part up to a pooling is run again."""

    def forward(self, input: Tensor) -> Tensor:
        for part in _parts(self):
            input = _again(part, part, input)
        return input


def _again(block: nn.Module, forward: Any, *args: Any, **kwargs: Any) -> Any:
    if not (block.training and torch.is_grad_enabled()):
        return forward(*args, **kwargs)

    def contexts() -> tuple[AbstractContextManager[None], AbstractContextManager[None]]:
        return nullcontext(), _averages_kept(block)

    return checkpoint(forward, *args, use_reentrant=False, context_fn=contexts, **kwargs)


@contextmanager
def _averages_kept(block: nn.Module) -> Iterator[None]:
    """Within it batch norm uses a batch's statistics without taking them into its running averages.

    A momentum of 0 rather than no averages at all: both passes must keep the same tensors.
    """
    norms = [m for m in block.modules() if isinstance(m, _BatchNorm) and m.training and m.track_running_stats]
    before = [(norm.momentum, norm.num_batches_tracked) for norm in norms]
    for norm in norms:
        norm.momentum, norm.num_batches_tracked = 0.0, None
    try:
        yield
    finally:
        for norm, (momentum, count) in zip(norms, before, strict=True):
            norm.momentum, norm.num_batches_tracked = momentum, count


def _blocks(module: nn.Module) -> Iterator[nn.Module]:
    """The blocks below `module` in order, none inside another."""
    in_a_row = _is_row(module)
    for child in module.children():
        if _is_long_row(child) or (in_a_row and _is_block(child)):
            yield child
        else:
            yield from _blocks(child)


def _is_row(module: nn.Module) -> bool:
    """A list of modules, or a network that has its blocks as attributes, as GoogLeNet does."""
    blocks = [child for child in module.children() if not isinstance(child, _LISTS) and any(child.children())]
    return isinstance(module, _LISTS) or len(blocks) >= _BLOCKS_AS_ATTRIBUTES


def _is_block(module: nn.Module) -> bool:
    """Whether `module` is made of modules, and is no list of blocks itself."""
    children = list(module.children())
    list_of_blocks = isinstance(module, _LISTS) and all(any(child.children()) for child in children)
    return bool(children) and not list_of_blocks and not _starts_in_place(module)


def _is_long_row(module: nn.Module) -> bool:
    """Whether `module` is a row of plain layers with more than one pooling."""
    layers = list(module.children())
    plain = isinstance(module, nn.Sequential) and not any(any(layer.children()) for layer in layers)
    return plain and sum(isinstance(layer, _POOLS) for layer in layers) > 1


def _parts(row: nn.Sequential) -> Iterator[nn.Sequential]:
    """The layers of `row` in parts, each but the last ending with a pooling."""
    layers = list(row)
    ends = [i + 1 for i, layer in enumerate(layers[:-1]) if isinstance(layer, _POOLS)]
    for start, end in pairwise((0, *ends, len(layers))):
        part = nn.Sequential(*layers[start:end])
        part.training = row.training
        yield part


def _starts_in_place(module: nn.Module) -> bool:
    """Whether the first layer overwrites its input, which would then be lost to the second pass."""
    first = next((layer for layer in module.modules() if not any(layer.children())), None)
    return getattr(first, "inplace", False) is True
