"""What an augmentation is: a change of whole batches, made from the configuration, at one of three stages."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum

from torch import Tensor

from .config import AugmentConfig
from .draw import Draw

Change = Callable[[Tensor, Draw], Tensor]
"""Images in, images of the same shape and type out; what it is given is the batch's own memory and may be changed."""

Build = Callable[[AugmentConfig], Change | None]
"""None where the configuration has it off."""


class Stage(IntEnum):
    """What an augmentation is given and gives back."""

    BYTES = 0
    """uint8 [B, H, W, C], as packed."""
    LIGHT = 1
    """float32 [B, C, H, W] in [0, 1]."""
    NORMALISED = 2
    """float [B, C, H, W], each channel with mean 0 over the training images."""


@dataclass(frozen=True, slots=True)
class Augmentation:
    """At which stage it works, and how it is made."""

    stage: Stage
    build: Build
