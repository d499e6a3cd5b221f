"""Random shifts: a window of the zero-padded image."""

import torch
from torch import Tensor
from torch.nn.functional import pad

from .change import Change
from .config import AugmentConfig
from .draw import Draw


def build(config: AugmentConfig) -> Change | None:
    """Return the change to a random window, every corner equally often."""
    if not (padding := config.crop_padding):
        return None

    def change(images: Tensor, draw: Draw) -> Tensor:
        down, right = draw.integers(2 * padding + 1, 2)
        return crop(images, padding, down, right)

    return change


def crop(images: Tensor, padding: int, down: Tensor, right: Tensor) -> Tensor:
    """Cut each image's own window out of its zero-padded self.

    `images` [B, H, W, C] of any type; `down` and `right` int64 [B] in 0..2*padding, the window's upper left corner. The
    same as torchvision's `crop(pad(image, padding), down, right, H, W)` of each image.
    """
    batch, height, width, channels = images.shape
    padded = pad(images, (0, 0, padding, padding, padding, padding))  # [B, H + 2p, W + 2p, C]
    length = width * channels
    strips = padded.as_strided((padded.numel() - length + 1, length), (1, 1))  # a row of a window may start anywhere
    rows = (torch.arange(batch, device=images.device) * padded.shape[1] + down)[:, None]
    rows = rows + torch.arange(height, device=images.device)  # [B, H], counted over all padded images
    first = (rows * padded.shape[2] + right[:, None]) * channels
    return strips.index_select(0, first.flatten()).view(images.shape)  # whole rows: twice as fast as pixels
