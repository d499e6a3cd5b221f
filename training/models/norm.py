"""Norms between a convolution and its activation, by name."""

from collections.abc import Callable

from torch import nn

from ...errors import TrainingError
from .config import NormName

Maker = Callable[[int], nn.Module]

NORMS: dict[str, Maker] = {}

_PER_GROUP = 16  # channels of a group at least, see below


def _norm(name: NormName) -> Callable[[Maker], Maker]:
    def register(maker: Maker) -> Maker:
        NORMS[name] = maker
        return maker

    return register


def make_norm(name: NormName, channels: int) -> nn.Module:
    """Make the norm `name` of maps [B, channels, h, w].

    It starts as the identity but for what it takes out.
    """
    return NORMS[name](channels)


def check_norm(name: NormName, model: str, image_size: int, side: int) -> None:
    """Refuse a norm that leaves nothing of the smallest maps of a model.

    They have `side` pixels.

    Raises:
        TrainingError: instance norm over a single pixel, which is always its own mean.
    """
    if name == "instance" and side == 1:
        raise TrainingError(
            f"model.norm: instance norm needs more than one pixel per map, but images of {image_size} px come down to"
            f" one in {model}\n  set data.image_size higher, or choose group"
        )


@_norm("batch")
def _batch(channels: int) -> nn.Module:
    """Normalise over the batch, per channel.

    Ioffe & Szegedy 2015, arXiv:1502.03167.
    """
    return nn.BatchNorm2d(channels)


@_norm("group")
def _group(channels: int) -> nn.Module:
    """Normalise per image, over groups of at least 16 channels.

    Wu & He 2018, arXiv:1803.08494, table 3.
    """
    fitting = (n for n in range(max(1, channels // _PER_GROUP), 0, -1) if channels % n == 0)
    return nn.GroupNorm(next(fitting), channels)


@_norm("layer")
def _layer(channels: int) -> nn.Module:
    """Normalise per image, over all channels.

    Ba et al. 2016, arXiv:1607.06450; with a scale and shift per channel.
    """
    return nn.GroupNorm(1, channels)


@_norm("instance")
def _instance(channels: int) -> nn.Module:
    """Normalise per image and channel.

    Ulyanov et al. 2016, arXiv:1607.08022.
    """
    return nn.InstanceNorm2d(channels, affine=True)


@_norm("none")
def _none(channels: int) -> nn.Module:
    """No norm: the convolution before it has a bias of its own."""
    return nn.Identity()
