"""Random erasing and cutout: boxes filled with the mean colour."""

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
    """Return the change that erases a random box in some of the images."""
    if not config.erase:
        return None

    def change(images: Tensor, draw: Draw) -> Tensor:
        boxes = random_boxes(draw, (images.shape[2], images.shape[3]))
        return blank(images, inside(boxes, images) & draw.chance(config.erase)[:, None, None])

    return change


def build_cutout(config: AugmentConfig) -> Change | None:
    """Return the change that cuts a square around a pixel of each image.

    What of the square lies outside is lost (DeVries & Taylor 2017, section 3).
    """
    if not (side := config.cutout):
        return None

    def change(images: Tensor, draw: Draw) -> Tensor:
        top = draw.integers(images.shape[2], 1)[0] - side // 2
        left = draw.integers(images.shape[3], 1)[0] - side // 2
        return blank(images, inside((top, left, top + side, left + side), images))

    return change


def random_boxes(draw: Draw, size: tuple[int, int]) -> Box:
    """Draw a box inside each image of `size` (H, W).

    It is smaller than the image, unless that has a single pixel.
    """
    share, aspect, down, right = draw.uniform(_AREA, _ASPECT, (0, 1), (0, 1))
    area = share * (size[0] * size[1])
    top, bottom = _interval((area * aspect.exp()).sqrt(), down, size[0])
    left, box_right = _interval((area / aspect.exp()).sqrt(), right, size[1])
    return top, left, bottom, box_right


def _interval(length: Tensor, position: Tensor, side: int) -> tuple[Tensor, Tensor]:
    """Return first and end pixel of a `length` inside `side`.

    It begins at `position` (0 to 1) of the room that is left; the end is excluded.
    """
    whole = length.round().clamp(1, max(side - 1, 1))
    start = (position * (side - whole + 1)).floor()
    return start.long(), (start + whole).long()


def inside(boxes: Box, images: Tensor) -> Tensor:
    """Return which pixels of `images` [B, C, H, W] are in the image's box.

    bool [B, H, W].
    """
    top, left, bottom, right = (edge[:, None] for edge in boxes)
    y = torch.arange(images.shape[2], device=images.device)
    x = torch.arange(images.shape[3], device=images.device)
    return ((y >= top) & (y < bottom))[:, :, None] & ((x >= left) & (x < right))[:, None, :]


def blank(images: Tensor, holes: Tensor) -> Tensor:
    """Set `images` [B, C, H, W] to 0 in the `holes` [B, H, W].

    In place; 0 is the mean colour.
    """
    return images.masked_fill_(holes[:, None], 0)
