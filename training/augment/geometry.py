"""Rotation, translation, zoom, shear and stretched crop in one interpolation.

All are one matrix per image.
"""

from math import log

import torch
from torch import Tensor
from torch.nn.functional import grid_sample

from .change import Change
from .config import AugmentConfig
from .draw import Draw

_ASPECT = log(4 / 3)  # of a stretched crop, as a logarithm: Szegedy et al. 2014 (arXiv:1409.4842, section 6)


def build(config: AugmentConfig) -> Change | None:
    """Return the stretched crop, then shear, zoom, rotation and translation.

    The latter are about the centre of the result. As everything is one interpolation, what lies around the crop is seen
    where it is turned into view. What lies outside the image is black; a crop alone repeats the outermost pixels.
    """
    moves = any((config.rotation, config.translate, config.scale, config.shear))
    if not moves and config.crop_area == 1.0:
        return None

    def change(images: Tensor, draw: Draw) -> Tensor:
        size = (images.shape[2], images.shape[3])
        maps = _affine(config, draw, size) if moves else _identity(draw)
        if config.crop_area < 1.0:
            maps = after(window(*_windows(config.crop_area, draw, size), size), maps)
        return resample(images, maps, "zeros" if moves else "border")

    return change


def affine(angle: Tensor, shift: tuple[Tensor, Tensor], zoom: Tensor, shear: tuple[Tensor, Tensor]) -> Tensor:
    """Return where each pixel of the changed image comes from.

    Maps [B, 2, 3], in pixels from the centre.

    Args, each [B]:
        angle: clockwise, in degrees.
        shift: to the right and down, in pixels.
        zoom: above 1 the image grows.
        shear: along x and along y, in degrees.

    The same as torchvision's `affine`: an image is sheared, turned, zoomed and shifted, in this order, about its
    centre; this is the inverse of that.
    """
    cos, sin = angle.deg2rad().cos(), angle.deg2rad().sin()
    along_x, along_y = (slant.deg2rad().tan() for slant in shear)
    rows = [
        ((1 + along_x * along_y) * cos - along_x * sin, (1 + along_x * along_y) * sin + along_x * cos),
        (along_y * cos - sin, along_y * sin + cos),
    ]
    linear = torch.stack([torch.stack(row, dim=1) for row in rows], dim=1) / zoom[:, None, None]  # [B, 2, 2]
    offset = -linear @ torch.stack(shift, dim=1)[:, :, None]
    return torch.cat([linear, offset], dim=2)


def window(top: Tensor, left: Tensor, height: Tensor, width: Tensor, size: tuple[int, int]) -> Tensor:
    """Return the maps that stretch each image's window over the image.

    [B, 2, 3], of windows [B] in pixels and images of `size` (H, W).
    """
    zero = torch.zeros_like(top)
    across = torch.stack([width / size[1], zero, left + (width - size[1]) / 2], dim=1)
    down = torch.stack([zero, height / size[0], top + (height - size[0]) / 2], dim=1)
    return torch.stack([across, down], dim=1)


def after(first: Tensor, then: Tensor) -> Tensor:
    """Return the maps [B, 2, 3] of `first` followed by `then`."""
    linear = first[:, :, :2]
    return torch.cat([linear @ then[:, :, :2], linear @ then[:, :, 2:] + first[:, :, 2:]], dim=2)


def resample(images: Tensor, maps: Tensor, outside: str = "zeros") -> Tensor:
    """Return images float [B, C, H, W] seen through `maps` [B, 2, 3], bilinear.

    `outside` is zeros or border.
    """
    batch, _, height, width = images.shape
    x = torch.arange(width, device=images.device) - (width - 1) / 2
    y = torch.arange(height, device=images.device) - (height - 1) / 2
    # Not affine_grid, which multiplies small matrices: fifteen times slower on a CPU.
    grid = images.new_empty(batch, height, width, 2)
    for axis, side in enumerate((width, height)):
        a, b, offset = (maps[:, axis] * (2 / side)).unbind(dim=1)  # grid_sample counts from -1 to 1
        # x' = a x + b y + offset for all pixels: a row and a column, added by broadcasting to [B, H, W].
        torch.add((b[:, None] * y + offset[:, None])[:, :, None], (a[:, None] * x)[:, None, :], out=grid[..., axis])
    return grid_sample(images, grid, mode="bilinear", padding_mode=outside, align_corners=False)


def _affine(config: AugmentConfig, draw: Draw, size: tuple[int, int]) -> Tensor:
    height, width = size
    symmetric = (config.rotation, config.translate * width, config.translate * height, config.shear, config.shear)
    ranges = [(-most, most) for most in symmetric]
    angle, right, down, along_x, along_y, zoom = draw.uniform(*ranges, (1 - config.scale, 1 + config.scale))
    return affine(angle, (right, down), zoom, (along_x, along_y))


def _identity(draw: Draw) -> Tensor:
    return torch.eye(2, 3, device=draw.device).expand(len(draw), 2, 3)


def _windows(least: float, draw: Draw, size: tuple[int, int]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Draw windows inside the image, of an area share `least` to 1.

    Top, left, height and width, each [B] in pixels.
    """
    share, aspect, down, right = draw.uniform((least, 1), (-_ASPECT, _ASPECT), (0, 1), (0, 1))
    area = share * (size[0] * size[1])
    height = (area / aspect.exp()).sqrt().clamp(max=size[0])
    width = (area * aspect.exp()).sqrt().clamp(max=size[1])
    return down * (size[0] - height), right * (size[1] - width), height, width
