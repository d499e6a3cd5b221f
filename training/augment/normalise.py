"""From the bytes of packed images to what a model takes."""

from collections.abc import Sequence

import torch
from torch import Tensor


class Normalise:
    """(x / 255 - mean) / std of uint8 [B, H, W, C], as a [B, C, H, W] view of it: channels_last for free.

    On the way there may be a stop at light, where augmentations work.
    """

    def __init__(self, mean: Sequence[float], std: Sequence[float], device: torch.device, dtype: torch.dtype) -> None:
        """`mean` and `std` per channel of images in [0, 1]; a channel may be constant."""
        spread = torch.tensor(std, dtype=torch.float64).clamp_min(1e-6)
        self._scale = (1 / spread).to(device, torch.float32)
        self._byte_scale = (1 / (255 * spread)).to(device, torch.float32)
        self._offset = (-torch.tensor(mean, dtype=torch.float64) / spread).to(device, torch.float32)
        self._dtype = dtype

    def __call__(self, images: Tensor) -> Tensor:
        """uint8 [B, H, W, C] to normalised [B, C, H, W] in channels_last memory."""
        batch, height, width, channels = images.shape
        rows = images.reshape(batch, height, width * channels).to(torch.float32)
        rows.mul_(self._byte_scale.repeat(width)).add_(self._offset.repeat(width))  # long rows: six times as fast
        return rows.view(batch, height, width, channels).permute(0, 3, 1, 2).to(self._dtype)

    def light(self, images: Tensor) -> Tensor:
        """uint8 [B, H, W, C] to float32 [B, C, H, W] in [0, 1], plane by plane in memory."""
        return images.permute(0, 3, 1, 2).to(torch.float32, memory_format=torch.contiguous_format).div_(255)

    def from_light(self, images: Tensor) -> Tensor:
        """float32 [B, C, H, W] in [0, 1] to normalised, in channels_last memory; changes `images`."""
        images.mul_(self._scale[:, None, None]).add_(self._offset[:, None, None])
        return images.to(self._dtype, memory_format=torch.channels_last)
