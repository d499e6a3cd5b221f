"""Models on torch's meta device: size, cost and errors without memory."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from .build import build_model
from .config import ModelConfig, PublishedModel

# usual image sizes of papers and pretrained weights
_SIDES_PX = (32, 48, 64, 75, 96, 112, 128, 160, 192, 224, 256, 299, 384, 448, 512)


class _WithoutMemory(TorchFunctionMode):
    """A mode in which `torch.empty` makes tensors on the meta device.

    Layers make their weights of it; all else computes as ever.

    Not `torch.device("meta")`: some builders compute the widths of their layers with small tensors.
    """

    def __torch_function__(self, function: Callable[..., Any], types: Any, args: Any = (), kwargs: Any = None) -> Any:
        options = {"device": "meta"} if function is torch.empty else {}
        return function(*args, **{**(kwargs or {}), **options})


def build_on_meta(config: ModelConfig, *, num_classes: int, in_channels: int, image_size: int) -> nn.Module:
    """Build the model of `config` with shapes but no numbers.

    Raises:
        TrainingError: as `build_model`.
    """
    with _WithoutMemory():
        model = build_model(config, num_classes=num_classes, in_channels=in_channels, image_size=image_size)
    return model.to("meta")


def logits_on_meta(model: nn.Module, images: int, in_channels: int, image_size: int) -> Tensor:
    """Return a meta model's logits for `images` images.

    A tensor of the right shape without numbers.
    """
    with torch.no_grad():
        logits: Tensor = model(torch.empty(images, in_channels, image_size, image_size, device="meta"))
    return logits


def flops(model: nn.Module, in_channels: int, image_size: int) -> int:
    """Count the floating-point operations of a forward pass of one image.

    Two per multiply-add of convolutions and matrices.
    """
    from torch.utils.flop_counter import FlopCounterMode  # brings triton and half of torch's inner workings

    with FlopCounterMode(display=False) as counter:
        logits_on_meta(model.eval(), 1, in_channels, image_size)
    return int(counter.get_total_flops())


def side_that_works(config: PublishedModel, *, num_classes: int, in_channels: int, image_size: int) -> int | None:
    """Return a usual image size (px) that the model takes, or None.

    The smallest above `image_size`, else the largest below, from 32 to 512.
    """
    above = [side for side in _SIDES_PX if side > image_size]
    below = [side for side in reversed(_SIDES_PX) if side < image_size]
    shape = {"num_classes": num_classes, "in_channels": in_channels}
    return next((side for side in (*above, *below) if _works(config, image_size=side, **shape)), None)


def _works(config: PublishedModel, *, num_classes: int, in_channels: int, image_size: int) -> bool:
    shape = {"num_classes": num_classes, "in_channels": in_channels, "image_size": image_size}
    try:
        logits_on_meta(build_on_meta(config, **shape), 2, in_channels, image_size)
    except Exception:  # libraries refuse images with whatever error they happen to meet
        return False
    return True
