"""Boxes without content, filled with the mean colour: random erasing and cutout."""

from math import log

import torch
from torch import Tensor

from .change import Change
from .config import AugmentConfig
from .draw import Draw

_AREA = (0.02, 0.33)  # of a box, as a share of the image; Zhong et al. 2017 (arXiv:1708.04896), as torchvision has it
_ASPECT = (log(0.3), log(3.3))  # height by width, as a logarithm: high and wide boxes equally often

Box = tuple[Tensor, Tensor, Tensor, Tensor]
"""Top, left, bottom and right in whole pixels, each int64 [B]; the last two excluded. They may lie outside an image."""


def build_erase(config: AugmentConfig) -> Change | None:
    """A box of random size and shape in some of the images."""
    if not config.erase:
        return None

    def change(images: Tensor, draw: Draw) -> Tensor:
        boxes = random_boxes(draw, (images.shape[2], images.shape[3]))
        return blank(images, inside(boxes, images) & draw.chance(config.erase)[:, None, None])

    return change


def build_cutout(config: AugmentConfig) -> Change | None:
    """A square around a pixel of each image; what of it lies outside is lost (DeVries & Taylor 2017, section 3)."""
    if not (side := config.cutout):
        return None

    def change(images: Tensor, draw: Draw) -> Tensor:
        top = draw.integers(images.shape[2], 1)[0] - side // 2
        left = draw.integers(images.shape[3], 1)[0] - side // 2
        return blank(images, inside((top, left, top + side, left + side), images))

    return change


def random_boxes(draw: Draw, size: tuple[int, int]) -> Box:
    """A box for each image of `size` (H, W), inside it and smaller than it where it has more than one pixel."""
    share, aspect, down, right = draw.uniform(_AREA, _ASPECT, (0, 1), (0, 1))
    area = share * (size[0] * size[1])
    top, bottom = _place((area * aspect.exp()).sqrt(), down, size[0])
    left, beyond = _place((area / aspect.exp()).sqrt(), right, size[1])
    return top, left, bottom, beyond


def _place(length: Tensor, where: Tensor, side: int) -> tuple[Tensor, Tensor]:
    """First and last pixel (excluded) of a `length` that begins at `where` (0 to 1) of what `side` leaves it."""
    whole = length.round().clamp(1, max(side - 1, 1))
    start = (where * (side - whole + 1)).floor()
    return start.long(), (start + whole).long()


def inside(boxes: Box, images: Tensor) -> Tensor:
    """Which pixels of `images` [B, C, H, W] are in the box of their image: bool [B, H, W]."""
    top, left, bottom, right = (edge[:, None] for edge in boxes)
    y = torch.arange(images.shape[2], device=images.device)
    x = torch.arange(images.shape[3], device=images.device)
    return ((y >= top) & (y < bottom))[:, :, None] & ((x >= left) & (x < right))[:, None, :]


def blank(images: Tensor, holes: Tensor) -> Tensor:
    """`images` [B, C, H, W] with 0, the mean colour, where `holes` [B, H, W] is set; changes `images`."""
    return images.masked_fill_(holes[:, None], 0)
