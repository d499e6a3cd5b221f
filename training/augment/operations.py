"""The operations of TrivialAugment and RandAugment on uint8 images.

Each has a magnitude per image.

An operation takes images uint8 [B, C, H, W] and magnitudes float32 [B], and returns the same as torchvision's function
on each image with that magnitude, bilinear where it interpolates.
"""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor
from torch.nn.functional import conv2d

from .colour import mix_to_grey
from .geometry import resample

Operation = Callable[[Tensor, Tensor], Tensor]

_BLUR = ((1.0, 1.0, 1.0), (1.0, 5.0, 1.0), (1.0, 1.0, 1.0))  # Pillow's SMOOTH, to be divided by 13


def identity(images: Tensor, magnitude: Tensor) -> Tensor:
    """Return the images as they are."""
    return images


def shear(images: Tensor, magnitude: Tensor, axis: int) -> Tensor:
    """Slide along `axis` (0: x, 1: y) from the upper left corner.

    By `magnitude` pixels per pixel.
    """
    maps = _still(images)
    maps[:, axis, 1 - axis] = magnitude
    maps[:, axis, 2] = magnitude * images.shape[2 + axis] / 2  # about the corner, not the centre
    return _moved(images, maps)


def translate(images: Tensor, magnitude: Tensor, axis: int) -> Tensor:
    """Shift along `axis` (0: x, 1: y) by `magnitude` whole pixels."""
    maps = _still(images)
    maps[:, axis, 2] = -magnitude.trunc()
    return _moved(images, maps)


def rotate(images: Tensor, magnitude: Tensor) -> Tensor:
    """Rotate anticlockwise about the centre by `magnitude` degrees."""
    cos, sin = magnitude.deg2rad().cos(), magnitude.deg2rad().sin()
    maps = _still(images)
    maps[:, 0, 0], maps[:, 0, 1], maps[:, 1, 0], maps[:, 1, 1] = cos, -sin, sin, cos
    return _moved(images, maps)


def brightness(images: Tensor, magnitude: Tensor) -> Tensor:
    """Multiply by 1 + `magnitude`."""
    return _to_bytes(images * _each(1 + magnitude))


def colour(images: Tensor, magnitude: Tensor) -> Tensor:
    """Scale the distance from each pixel's grey by 1 + `magnitude`.

    Grey images stay.
    """
    return images if images.shape[1] == 1 else _stretched(images, mix_to_grey(images).floor(), magnitude)


def contrast(images: Tensor, magnitude: Tensor) -> Tensor:
    """Scale the distance from the image's mean grey by 1 + `magnitude`."""
    grey = mix_to_grey(images).float().floor_().mean(dim=(1, 2, 3), keepdim=True)
    return _stretched(images, grey, magnitude)


def sharpness(images: Tensor, magnitude: Tensor) -> Tensor:
    """Scale the distance from a smoothed image by 1 + `magnitude`.

    The outermost pixels stay.
    """
    channels, height, width = images.shape[1:]
    if min(height, width) <= 2:  # no inner pixels
        return images
    kernel = (torch.tensor(_BLUR, device=images.device) / 13).expand(channels, 1, 3, 3)
    sharp = images.float()
    smooth = conv2d(sharp, kernel, groups=channels).round_()
    inner = sharp[..., 1:-1, 1:-1]
    inner.lerp_(smooth, _each(-magnitude).expand_as(inner))
    return _to_bytes(sharp)


def posterize(images: Tensor, magnitude: Tensor) -> Tensor:
    """Keep the uppermost `magnitude` of the 8 bits."""
    return images & _each(256 - 2 ** (8 - magnitude)).to(torch.uint8)


def solarize(images: Tensor, magnitude: Tensor) -> Tensor:
    """Invert values from `magnitude` (0 to 1) of white on."""
    return torch.where(images >= _each(255 * magnitude), 255 - images, images)


def autocontrast(images: Tensor, magnitude: Tensor) -> Tensor:
    """Stretch the values of each channel to 0..255.

    `magnitude` is without effect.
    """
    values = images.float()
    least, most = values.amin(dim=(2, 3), keepdim=True), values.amax(dim=(2, 3), keepdim=True)
    flat = most == least
    # note: times 1 / 255 before the division, as torchvision rounds: another order differs in the last bit.
    return _to_bytes((values - torch.where(flat, 0, least)) / torch.where(flat, 1, (most - least) * (1 / 255)))


def equalize(images: Tensor, magnitude: Tensor) -> Tensor:
    """Equalise the histogram of each channel.

    `magnitude` is without effect.

    A table of 256 values per image and channel, rounded as Pillow's `ImageOps.equalize` does.
    """
    values = images.flatten(2).long()  # [B, C, H * W]
    histogram = values.new_zeros(*values.shape[:2], 256).scatter_add_(2, values, torch.ones_like(values))  # [B, C, 256]
    upto = histogram.cumsum(dim=2)
    # Pillow leaves the lightest value's pixels out of the step
    lightest = histogram.gather(2, values.amax(dim=2, keepdim=True))
    step = (values.shape[2] - lightest) // 255
    before = upto - histogram
    table = ((before + step // 2) // step.clamp_min(1)).clamp_max(255)
    equal = table.gather(2, values).to(torch.uint8).view(images.shape)
    return torch.where((step > 0)[..., None], equal, images)  # one value alone: nothing to spread


OPERATIONS: dict[str, Operation] = {
    "identity": identity,
    "shear_x": partial(shear, axis=0),
    "shear_y": partial(shear, axis=1),
    "translate_x": partial(translate, axis=0),
    "translate_y": partial(translate, axis=1),
    "rotate": rotate,
    "brightness": brightness,
    "colour": colour,
    "contrast": contrast,
    "sharpness": sharpness,
    "posterize": posterize,
    "solarize": solarize,
    "autocontrast": autocontrast,
    "equalize": equalize,
}


def _still(images: Tensor) -> Tensor:
    return torch.eye(2, 3, device=images.device).repeat(len(images), 1, 1)


def _moved(images: Tensor, maps: Tensor) -> Tensor:
    return resample(images.float(), maps).round_().to(torch.uint8)


def _stretched(images: Tensor, middle: Tensor, magnitude: Tensor) -> Tensor:
    factor = _each(1 + magnitude)
    return _to_bytes(images * factor + middle * (1 - factor))


def _to_bytes(values: Tensor) -> Tensor:
    return values.clamp_(0, 255).to(torch.uint8)


def _each(values: Tensor) -> Tensor:
    return values[:, None, None, None]
