"""Mixup and cutmix: each image joined with another one of its batch.

So are their labels.
"""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import one_hot

from .config import AugmentConfig
from .draw import Draw
from .erase import Box, inside

Mix = Callable[[Tensor, Tensor, Draw], tuple[Tensor, Tensor]]


def build(config: AugmentConfig, classes: int) -> Mix | None:
    """Return the change that mixes images and labels; None: neither is on.

    It takes images [B, C, H, W] and labels int64 [B], and returns labels float32 [B, classes].

    Each image has a partner and a share of its own; where both kinds are on, half of the images get either. `mix_share`
    of the images are mixed, the others keep their label whole.
    """
    if not (config.mixup or config.cutmix):
        return None

    def mix(images: Tensor, labels: Tensor, draw: Draw) -> tuple[Tensor, Tensor]:
        partner = draw.send(draw.random.permutation(len(draw)))
        # By rows of memory: index_select would give up channels_last.
        others = images.permute(0, 2, 3, 1).index_select(0, partner).permute(0, 3, 1, 2)
        target = one_hot(labels, classes).to(torch.float32)  # [B, classes]
        blends, cuts = _kinds(config, draw)
        kept = torch.ones(len(draw), device=draw.device)
        if config.mixup:
            kept = draw.send(_shares(config.mixup, blends, draw))
            images = mixup(images, others, kept)
        if config.cutmix:
            boxes = clipped(_boxes(_shares(config.cutmix, cuts, draw), images, draw), images)
            # the box may reach outside: the share is of what is left of it
            images, kept = cutmix(images, others, boxes), kept * kept_outside(boxes, images)
        # labels as the images: lerp(partner's, own, share kept)
        return images, torch.lerp(target.index_select(0, partner), target, kept[:, None])

    return mix


def mixup(images: Tensor, others: Tensor, kept: Tensor) -> Tensor:
    """Return the images blended with their partners.

    `kept` [B] of each image and the remainder of its partner in `others`, both [B, C, H, W].
    """
    return torch.lerp(others, images, kept[:, None, None, None].to(images.dtype))


def cutmix(images: Tensor, others: Tensor, boxes: Box) -> Tensor:
    """Return the images [B, C, H, W] with the `others` inside their boxes."""
    return torch.where(inside(boxes, images)[:, None], others, images)


def clipped(boxes: Box, images: Tensor) -> Box:
    """Return the part of the boxes that lies inside the images."""
    height, width = images.shape[2:]
    top, left, bottom, right = boxes
    return top.clamp(0, height), left.clamp(0, width), bottom.clamp(0, height), right.clamp(0, width)


def kept_outside(boxes: Box, images: Tensor) -> Tensor:
    """Return the share [B] of each image outside its clipped box."""
    top, left, bottom, right = boxes
    return 1 - (bottom - top) * (right - left) / (images.shape[2] * images.shape[3])


def _kinds(config: AugmentConfig, draw: Draw) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Draw which images are blended and which are cut, each bool [B]."""
    mixed, even = draw.random.random(len(draw)) < config.mix_share, draw.random.random(len(draw)) < 0.5
    blends = mixed & (even if config.cutmix else True) & (config.mixup > 0)
    return blends, mixed & ~blends


def _shares(alpha: float, chosen: NDArray[np.bool_], draw: Draw) -> NDArray[np.float32]:
    """Draw the share that images keep of themselves from Beta(alpha, alpha).

    [B]; 1 for images that are not `chosen`.
    """
    return np.where(chosen, draw.random.beta(alpha, alpha, len(draw)), 1.0).astype(np.float32)


def _boxes(kept: NDArray[np.float32], images: Tensor, draw: Draw) -> Box:
    """Draw boxes of a share 1 - `kept` of the area.

    They have the image's shape and lie around any of its pixels.
    """
    half = np.sqrt(1 - kept) / 2
    ends = []
    for side in images.shape[2:]:
        centre, reach = draw.random.integers(0, side, len(draw)), (half * side).astype(np.int64)
        ends.append((draw.send(centre - reach), draw.send(centre + reach)))
    (top, bottom), (left, right) = ends
    return top, left, bottom, right
