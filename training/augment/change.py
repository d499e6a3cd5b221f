"""An augmentation: a change of whole batches at one of three stages."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum

from torch import Tensor

from .config import AugmentConfig
from .draw import Draw

Change = Callable[[Tensor, Draw], Tensor]
"""A function of images that returns images of the same shape and type.

It may change the images it is given: they are the batch's own memory.
"""

Build = Callable[[AugmentConfig], Change | None]
"""A maker of a change from the configuration; None where it is off."""


class Stage(IntEnum):
    """The format of the images that an augmentation works on."""

    BYTES = 0
    """uint8 [B, H, W, C], as packed."""
    LIGHT = 1
    """float32 [B, C, H, W] in [0, 1]."""
    NORMALISED = 2
    """float [B, C, H, W], each channel with mean 0 over the training images."""


@dataclass(frozen=True, slots=True)
class Augmentation:
    """An augmentation: its stage, and its maker."""

    stage: Stage
    build: Build
