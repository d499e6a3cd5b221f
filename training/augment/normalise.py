"""Normalisation: from the bytes of packed images to a model's input."""

from collections.abc import Sequence

import torch
from torch import Tensor


class Normalise:
    """(x / 255 - mean) / std of uint8 [B, H, W, C] as [B, C, H, W].

    It is a view, so that channels_last memory comes for free. Augmentations may stop on the way at light, float images
    in [0, 1].
    """

    def __init__(self, mean: Sequence[float], std: Sequence[float], device: torch.device, dtype: torch.dtype) -> None:
        """Prepare for `mean` and `std` per channel of images in [0, 1].

        A channel may be constant.
        """
        spread = torch.tensor(std, dtype=torch.float64).clamp_min(1e-6)  # a constant channel becomes 0 instead of NaN
        self._scale = (1 / spread).to(device, torch.float32)
        self._byte_scale = (1 / (255 * spread)).to(device, torch.float32)
        self._offset = (-torch.tensor(mean, dtype=torch.float64) / spread).to(device, torch.float32)
        self._dtype = dtype

    def __call__(self, images: Tensor) -> Tensor:
        """Normalise uint8 [B, H, W, C] to [B, C, H, W] in channels_last memory."""
        batch, height, width, channels = images.shape
        rows = images.reshape(batch, height, width * channels).to(torch.float32)  # [B, H, W * C]
        rows.mul_(self._byte_scale.repeat(width)).add_(self._offset.repeat(width))  # long rows: six times as fast
        return rows.view(batch, height, width, channels).permute(0, 3, 1, 2).to(self._dtype)  # [B, C, H, W], a view

    def light(self, images: Tensor) -> Tensor:
        """Return uint8 [B, H, W, C] as float32 [B, C, H, W] in [0, 1].

        Plane by plane in memory, as augmentations want it.
        """
        return images.permute(0, 3, 1, 2).to(torch.float32, memory_format=torch.contiguous_format).div_(255)

    def from_light(self, images: Tensor) -> Tensor:
        """Normalise float32 [B, C, H, W] in [0, 1], in place.

        The result is in channels_last memory.
        """
        images.mul_(self._scale[:, None, None]).add_(self._offset[:, None, None])
        return images.to(self._dtype, memory_format=torch.channels_last)
