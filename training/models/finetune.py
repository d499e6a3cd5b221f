"""A model that starts from trained weights: a new head on a backbone.

The backbone's learning rate is lower, or 0.
"""

from collections.abc import Sequence
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from .blocks import depths
from .config import FineTuned
from .head import head_parameters
from .published import Statistics


class TunedModel(nn.Module):
    """`net` with the input normalisation of its weights, frozen or not.

    Images come normalised by their own data set. Where the weights have `statistics`, `rescale` makes them what they
    would be if normalised by those, so that the first layer sees what it has learned to see.

    Args:
        net: the network, from images [B, C, H, W] to logits.
        config: which parts are trained, and at which learning rate.
        rescale: from the images to `net`'s input.
    """

    def __init__(self, net: nn.Module, config: FineTuned, rescale: nn.Module) -> None:
        super().__init__()
        self.rescale = rescale
        self.net = net
        self._frozen = config.backbone_lr == 0
        self._lr_scales = _lr_scales(net, config)
        if self._frozen:
            head = head_parameters(net)
            for name, parameter in net.named_parameters():
                parameter.requires_grad_(name in head)

    def forward(self, images: Tensor) -> Tensor:
        """Images [B, C, H, W] to logits [B, classes]."""
        logits: Tensor = self.net(self.rescale(images))
        return logits

    def train(self, mode: bool = True) -> Self:
        """Set the mode, leaving a frozen backbone's batch norms in evaluation.

        They keep the statistics that they came with.
        """
        super().train(mode)
        if self._frozen:
            for norm in self.net.modules():
                if isinstance(norm, _BatchNorm):
                    norm.eval()
        return self

    @property
    def lr_scales(self) -> dict[str, float]:
        """Each parameter's share of the learning rate, by name."""
        return {f"net.{name}": scale for name, scale in self._lr_scales.items()}


class Rescale(nn.Module):
    """Renormalisation of images from one set of statistics to another.

    It changes nothing until `between` was called; the two buffers are kept with the weights.
    """

    scale: Tensor
    offset: Tensor

    def __init__(self, statistics: Statistics, in_channels: int) -> None:
        super().__init__()
        self._wanted = statistics if in_channels == len(statistics.mean) else _as_grey(statistics, in_channels)
        self.register_buffer("scale", torch.ones(1, in_channels, 1, 1))
        self.register_buffer("offset", torch.zeros(1, in_channels, 1, 1))

    def forward(self, images: Tensor) -> Tensor:
        """Renormalise [B, C, H, W] to [B, C, H, W]."""
        return images * self.scale + self.offset

    def between(self, mean: Sequence[float], std: Sequence[float]) -> None:
        """Set the statistics that images come normalised by.

        `mean` and `std`, per channel of pixels in [0, 1].
        """
        for channel, (m, s) in enumerate(zip(mean, std, strict=True)):
            spread = max(s, 1e-6)  # as where images are normalised: a channel may be constant
            # (x - mean) / std of the data to (x - mean) / std of the weights is one scale and one offset per channel.
            self.scale[:, channel] = spread / self._wanted.std[channel]
            self.offset[:, channel] = (m - self._wanted.mean[channel]) / self._wanted.std[channel]


def lr_scales(model: nn.Module) -> dict[str, float]:
    """Return shares of the learning rate by parameter name.

    1 where a name is missing.
    """
    return model.lr_scales if isinstance(model, TunedModel) else {}


def _lr_scales(net: nn.Module, config: FineTuned) -> dict[str, float]:
    """Return the backbone's shares of the learning rate by layer depth.

    The head's share is 1, the last block's backbone_lr x layer_decay, and so on towards the images.

    Howard & Ruder 2018 (arXiv:1801.06146, section 3.2); one factor per block as in Clark et al. 2020
    (arXiv:2003.10555, appendix A).
    """
    head, depth_of = head_parameters(net), depths(net)
    top = max(depth_of.values())
    return {
        name: config.backbone_lr * config.layer_decay ** (top - depth + 1)
        for name, depth in depth_of.items()
        if name not in head
    }


def _as_grey(statistics: Statistics, in_channels: int) -> Statistics:
    """Return one mean and deviation for all channels.

    Where their number is not that of the weights.
    """
    mean = sum(statistics.mean) / len(statistics.mean)
    std = sum(statistics.std) / len(statistics.std)
    return Statistics((mean,) * in_channels, (std,) * in_channels)
