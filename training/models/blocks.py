"""The blocks of a network: the units of activation checkpointing and of learning rates by depth."""

from collections.abc import Iterator
from itertools import pairwise

from torch import nn

_LISTS = (nn.Sequential, nn.ModuleList)
_POOLS = (nn.MaxPool2d, nn.AvgPool2d)
_BLOCKS_AS_ATTRIBUTES = 4


def blocks(module: nn.Module) -> Iterator[nn.Module]:
    """The blocks below `module` in order, none inside another.

    A block is an element of an `nn.Sequential` or `nn.ModuleList` that itself consists of modules, such as a residual
    block or a transformer layer; or a long plain row of layers as a whole, as in VGG.
    """
    in_a_row = _is_row(module)
    for child in module.children():
        if is_long_row(child) or (in_a_row and _is_block(child)):
            yield child
        else:
            yield from blocks(child)


def is_long_row(module: nn.Module) -> bool:
    """Whether `module` is a row of plain layers with more than one pooling."""
    layers = list(module.children())
    plain = isinstance(module, nn.Sequential) and not any(any(layer.children()) for layer in layers)
    return plain and sum(isinstance(layer, _POOLS) for layer in layers) > 1


def parts(row: nn.Sequential) -> Iterator[nn.Sequential]:
    """The layers of a long row in parts, each but the last ending with a pooling."""
    layers = list(row)
    ends = [i + 1 for i, layer in enumerate(layers[:-1]) if isinstance(layer, _POOLS)]
    for start, end in pairwise((0, *ends, len(layers))):
        part = nn.Sequential(*layers[start:end])
        part.training = row.training
        yield part


def depths(module: nn.Module) -> dict[str, int]:
    """How many blocks have begun at each parameter of `module`, by name: 0 in the stem.

    What stands between two blocks, or after the last, has the depth of the block before it.
    """
    rows = (
        list(parts(block)) if isinstance(block, nn.Sequential) and is_long_row(block) else [block]
        for block in blocks(module)
    )
    in_order = [block for row in rows for block in row]
    inside = {id(p): depth for depth, block in enumerate(in_order, start=1) for p in block.parameters()}
    found, here = {}, 0
    for name, parameter in module.named_parameters():
        here = inside.get(id(parameter), here)
        found[name] = here
    return found


def _is_row(module: nn.Module) -> bool:
    """A list of modules, or a network that has its blocks as attributes, as GoogLeNet does."""
    children = [child for child in module.children() if not isinstance(child, _LISTS) and any(child.children())]
    return isinstance(module, _LISTS) or len(children) >= _BLOCKS_AS_ATTRIBUTES


def _is_block(module: nn.Module) -> bool:
    """Whether `module` is made of modules, and is no list of blocks itself."""
    children = list(module.children())
    list_of_blocks = isinstance(module, _LISTS) and all(any(child.children()) for child in children)
    return bool(children) and not list_of_blocks and not _starts_in_place(module)


def _starts_in_place(module: nn.Module) -> bool:
    """Whether the first layer overwrites its input, which would then be lost to the second pass."""
    first = next((layer for layer in module.modules() if not any(layer.children())), None)
    return getattr(first, "inplace", False) is True
