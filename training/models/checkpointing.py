"""Activation checkpointing: activations are computed twice instead of kept.

Chen et al. 2016, arXiv:1604.06174.

Between the blocks of a network activations are kept, within a block they are computed again when the backward pass gets
there. The numbers stay the same to the last bit: dropout draws the same again, and batch norm takes a batch into its
running averages once, in the first pass.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.checkpoint import checkpoint

from ...errors import TrainingError
from .blocks import blocks, is_long_row, parts


def checkpoint_activations(model: nn.Module) -> None:
    """Let the blocks of `model` compute their activations again, in place.

    They do so in the backward pass.

    A long plain row of layers, as in VGG, is cut after each pooling. Parameters, buffers and their names stay, and
    copies of the model behave like it.

    Raises:
        TrainingError: the model has no blocks.
    """
    to_checkpoint = list(blocks(model))
    for block in to_checkpoint:
        kind = _InParts if is_long_row(block) else _Whole
        # the class and not a wrapper module: names of parameters stay, weights still fit
        block.__class__ = type(f"Checkpointed{type(block).__name__}", (kind, type(block)), {})
    if not to_checkpoint:
        raise TrainingError(
            f"memory.checkpoint_activations: {type(model).__name__} has no blocks in an nn.Sequential or nn.ModuleList"
            " whose activations could be computed again; set it to false"
        )


class _Whole(nn.Module):
    """A block whose forward pass is run again in the backward pass.

    Mixed into the block's class.
    """

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return _again(self, super().forward, *args, **kwargs)


class _InParts(nn.Sequential):
    """A row of layers whose parts are run again, pooling by pooling.

    Mixed into the row's class.
    """

    def forward(self, input: Tensor) -> Tensor:
        for part in parts(self):
            input = _again(part, part, input)
        return input


def _again(block: nn.Module, forward: Any, *args: Any, **kwargs: Any) -> Any:
    if not (block.training and torch.is_grad_enabled()):  # evaluation keeps no activations
        return forward(*args, **kwargs)

    def contexts() -> tuple[AbstractContextManager[None], AbstractContextManager[None]]:
        return nullcontext(), _averages_kept(block)

    return checkpoint(forward, *args, use_reentrant=False, context_fn=contexts, **kwargs)


@contextmanager
def _averages_kept(block: nn.Module) -> Iterator[None]:
    """Let batch norm use a batch's statistics without averaging them again.

    A momentum of 0 rather than no averages at all: both passes must keep the same tensors.
    """
    norms = [m for m in block.modules() if isinstance(m, _BatchNorm) and m.training and m.track_running_stats]
    before = [(norm.momentum, norm.num_batches_tracked) for norm in norms]
    for norm in norms:
        norm.momentum, norm.num_batches_tracked = 0.0, None  # num_batches_tracked None: the count must not go up twice
    try:
        yield
    finally:
        for norm, (momentum, count) in zip(norms, before, strict=True):
            norm.momentum, norm.num_batches_tracked = momentum, count
