"""TrivialAugment and RandAugment: random operations out of a fixed list."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from .change import Change
from .config import AugmentConfig
from .draw import Draw
from .operations import OPERATIONS

Values = NDArray[np.float64]

_LEVELS = 30  # levels as the papers count them


@dataclass(frozen=True, slots=True)
class Strength:
    """The magnitudes of the strongest level."""

    shear: float  # pixels per pixel
    translation: float  # pixels
    rotation: float  # degrees
    factor: float  # from 1 - factor to 1 + factor: brightness, colour, contrast, sharpness
    bits: int  # that posterize takes away

    @classmethod
    def usual(cls, side: int) -> "Strength":
        """Return RandAugment's strengths for images of `side` pixels.

        arXiv:1909.13719; AutoAugment's are the same.
        """
        return cls(shear=0.3, translation=150 / 331 * side, rotation=30, factor=0.9, bits=4)

    @classmethod
    def wide(cls, side: int) -> "Strength":
        """Return TrivialAugment's wide strengths.

        arXiv:2103.10158; its shift of 32 pixels is held back on small images.

        There it would leave nothing: no image is shifted by more of its side than RandAugment's strongest.
        """
        return cls(shear=0.99, translation=min(32, 150 / 331 * side), rotation=135, factor=0.99, bits=6)

    def magnitudes(self, name: str, level: Values, sign: Values) -> Values:
        """Return what operation `name` takes [n] at each `level` and `sign`.

        `level` is 0 to 1, `sign` 1 or -1.
        """
        match name:
            case "shear_x" | "shear_y":
                return sign * level * self.shear
            case "translate_x" | "translate_y":
                return sign * level * self.translation
            case "rotate":
                return sign * level * self.rotation
            case "posterize":
                return np.round(8 - level * self.bits)
            case "solarize":
                return 1 - level
        return sign * level * self.factor


def build(config: AugmentConfig) -> Change | None:
    """Return the policy's change, by one operation or several.

    One of any strength (trivial), or several of one given strength (rand), on each image.
    """
    if config.policy == "none":
        return None
    trivial = config.policy == "trivial"
    strength_of, rounds = (Strength.wide, 1) if trivial else (Strength.usual, config.rand_operations)

    def change(images: Tensor, draw: Draw) -> Tensor:
        planes = images.permute(0, 3, 1, 2).contiguous()  # [B, C, H, W]
        strength = strength_of(planes.shape[3])
        for _ in range(rounds):
            levels = _any_level(draw) if trivial else np.full(len(draw), config.rand_magnitude)
            _apply(planes, strength, levels, draw)
        return planes.permute(0, 2, 3, 1)

    return change


def _any_level(draw: Draw) -> NDArray[np.int64]:
    return draw.random.integers(0, _LEVELS + 1, len(draw))


def _apply(planes: Tensor, strength: Strength, levels: NDArray[np.int64], draw: Draw) -> None:
    """Apply one random operation per image of `planes` uint8 [B, C, H, W].

    In place; images with the same operation go together.
    """
    chosen = draw.random.integers(0, len(OPERATIONS), len(draw))
    signs = np.where(draw.random.random(len(draw)) < 0.5, -1.0, 1.0)
    for number, (name, operation) in enumerate(OPERATIONS.items()):
        rows = np.flatnonzero(chosen == number)
        if not len(rows) or name == "identity":
            continue
        magnitudes = strength.magnitudes(name, levels[rows] / _LEVELS, signs[rows])
        group_rows = draw.send(rows)
        changed = operation(planes.index_select(0, group_rows), draw.send(magnitudes.astype(np.float32)))
        planes.index_copy_(0, group_rows, changed)
