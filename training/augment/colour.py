"""Colour jitter: brightness, contrast, saturation, hue, in this order.

Each image by factors of its own.
"""

import torch
from torch import Tensor

from .change import Change
from .config import AugmentConfig
from .draw import Draw

_GREY = (0.2989, 0.587, 0.114)  # of red, green and blue: ITU-R BT.601, rounded as torchvision does
_SECTORS = (5.0, 3.0, 1.0)  # where red, green and blue stand in a circle of six


def build(config: AugmentConfig) -> Change | None:
    """Return the change by those of the four that are on.

    Saturation and hue leave grey images as they are.
    """
    spans = (config.brightness, config.contrast, config.saturation)
    if not any((*spans, config.hue)):
        return None
    steps = (adjust_brightness, adjust_contrast, adjust_saturation)

    def change(images: Tensor, draw: Draw) -> Tensor:
        # All four are drawn even where one is off: turning one on does not change what the others draw.
        *factors, turn = draw.uniform(*((1 - span, 1 + span) for span in spans), (-config.hue, config.hue))
        for step, span, factor in zip(steps, spans, factors, strict=True):
            images = step(images, factor) if span else images
        return adjust_hue(images, turn) if config.hue else images

    return change


def adjust_brightness(images: Tensor, factor: Tensor) -> Tensor:
    """Multiply `images` [B, C, H, W] in [0, 1] by `factor` [B].

    They are cut off at white.
    """
    return (images * _each(factor)).clamp_(0, 1)


def adjust_contrast(images: Tensor, factor: Tensor) -> Tensor:
    """Scale the contrast of `images` [B, C, H, W] in [0, 1] by `factor` [B].

    The distance from their mean grey, cut off.
    """
    return _stretch(images, _each(mix_to_grey(images.mean(dim=(2, 3), keepdim=True)).flatten()), factor)


def adjust_saturation(images: Tensor, factor: Tensor) -> Tensor:
    """Scale the saturation of `images` [B, C, H, W] in [0, 1] by `factor` [B].

    The distance of each pixel from its own grey, cut off.
    """
    return images if images.shape[1] == 1 else _stretch(images, mix_to_grey(images), factor)


def adjust_hue(images: Tensor, turn: Tensor) -> Tensor:
    """Turn the hue of `images` [B, C, H, W] by `turn` [B].

    Images are in [0, 1], turns shares of the circle. Value and saturation (HSV) stay.
    """
    if images.shape[1] == 1:
        return images
    red, green, blue = images.unbind(dim=1)  # each [B, H, W]
    value, least = images.amax(dim=1), images.amin(dim=1)
    chroma = value - least
    scale = 1 / torch.where(chroma > 0, chroma, 1.0)  # a grey pixel has no hue: any finite scale does
    # The hue in sixths of the circle, counted from red [B, H, W].
    sector = torch.where(
        value == red,
        (green - blue) * scale,
        torch.where(value == green, (blue - red) * scale + 2, (red - green) * scale + 4),
    )
    sector += 6 * turn[:, None, None]
    moved = torch.empty_like(images)
    for channel, channel_sector in enumerate(_SECTORS):  # from hue back to RGB without cases
        distance = (sector + channel_sector).remainder_(6)
        # The share of chroma that the channel lacks: 0 near its own sector, 1 on the far side of the circle.
        share = torch.minimum(distance, 4 - distance).clamp_(0, 1)
        torch.sub(value, share.mul_(chroma), out=moved[:, channel])
    return moved


def mix_to_grey(images: Tensor) -> Tensor:
    """Return the grey [B, 1, H, W] of images [B, C, H, W]."""
    if images.shape[1] == 1:
        return images
    red, green, blue = (images[:, channel, None] * share for channel, share in enumerate(_GREY))
    return red + green + blue


def _stretch(images: Tensor, middle: Tensor, factor: Tensor) -> Tensor:
    """Move images away from `middle` (factor above 1) or towards it.

    Cut off at black and white.
    """
    return torch.lerp(middle, images, _each(factor)).clamp_(0, 1)


def _each(values: Tensor) -> Tensor:
    """Return one value per image as [B, 1, 1, 1]."""
    return values[:, None, None, None]
