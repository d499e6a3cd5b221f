"""The blocks of a network.

They are the units of activation checkpointing and of learning rates by depth.
"""

from collections.abc import Iterator
from itertools import pairwise

from torch import nn

_LISTS = (nn.Sequential, nn.ModuleList)
_POOLS = (nn.MaxPool2d, nn.AvgPool2d)
# least number of children with modules of their own that are blocks: fewer are rather a backbone and a head
_BLOCKS_AS_ATTRIBUTES = 4


def blocks(module: nn.Module) -> Iterator[nn.Module]:
    """Yield the blocks below `module` in order, none inside another.

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
    """Whether `module` is a row of plain layers with several poolings."""
    layers = list(module.children())
    plain = isinstance(module, nn.Sequential) and not any(any(layer.children()) for layer in layers)
    return plain and sum(isinstance(layer, _POOLS) for layer in layers) > 1


def parts(row: nn.Sequential) -> Iterator[nn.Sequential]:
    """Yield a long row in parts, each ending with a pooling.

    The last part may end without.
    """
    layers = list(row)
    ends = [i + 1 for i, layer in enumerate(layers[:-1]) if isinstance(layer, _POOLS)]
    for start, end in pairwise((0, *ends, len(layers))):
        part = nn.Sequential(*layers[start:end])
        part.training = row.training
        yield part


def depths(module: nn.Module) -> dict[str, int]:
    """Return how many blocks have begun at each parameter, by its name.

    0 in the stem.

    What stands between two blocks, or after the last, has the depth of the block before it.
    """
    rows = (
        list(parts(block)) if isinstance(block, nn.Sequential) and is_long_row(block) else [block]
        for block in blocks(module)
    )
    in_order = [block for row in rows for block in row]
    depth_in_block = {id(p): depth for depth, block in enumerate(in_order, start=1) for p in block.parameters()}
    depth_of, current = {}, 0
    for name, parameter in module.named_parameters():
        current = depth_in_block.get(id(parameter), current)
        depth_of[name] = current
    return depth_of


def _is_row(module: nn.Module) -> bool:
    """Whether `module` is a list of modules, or has its blocks as attributes.

    GoogLeNet has them so.
    """
    children = [child for child in module.children() if not isinstance(child, _LISTS) and any(child.children())]
    return isinstance(module, _LISTS) or len(children) >= _BLOCKS_AS_ATTRIBUTES


def _is_block(module: nn.Module) -> bool:
    """Whether `module` is made of modules, and is no list of blocks itself."""
    children = list(module.children())
    list_of_blocks = isinstance(module, _LISTS) and all(any(child.children()) for child in children)
    return bool(children) and not list_of_blocks and not _starts_in_place(module)


def _starts_in_place(module: nn.Module) -> bool:
    """Whether the first layer overwrites its input.

    The input would then be lost to the second pass.
    """
    first = next((layer for layer in module.modules() if not any(layer.children())), None)
    return getattr(first, "inplace", False) is True
