"""The preprocessing of a trained model: the common rule with its sizes.

The rule is that of common/preprocess.py. No torch.
"""

from typing import Any, Self

from pydantic import Field, model_validator

from ...common.manifest import ImageSize
from ...common.preprocess import STEPS
from .pack import Pack

INPUT = "images"
"""The name of a model's input, in every exported format."""


class Preprocessing(ImageSize, frozen=True, extra="forbid"):
    """What is done to an image before and in the model."""

    color_mode: str = Field(description="L or RGB, as Pillow calls them.")
    steps: tuple[str, ...] = Field(description="What is done to an image file, in order.")
    input: str = Field(description="Name, type, shape and range of the input.")
    mean: tuple[float, ...] = Field(description="Per channel, of pixels in [0, 1]; applied inside the model.")
    std: tuple[float, ...] = Field(description="As mean.")

    @model_validator(mode="before")
    @classmethod
    def _with_steps(cls, data: Any) -> Any:
        """Read `resize` of manifests of format 1, which named that step alone."""
        if isinstance(data, dict) and "resize" in data:
            return {**{key: value for key, value in data.items() if key != "resize"}, "steps": (data["resize"],)}
        return data

    @classmethod
    def of(cls, pack: Pack) -> Self:
        """Return the preprocessing of a model trained on `pack`."""
        shape = f"N, {pack.channels}, {pack.image_size}, {pack.image_size}"
        return cls(
            image_size=pack.image_size,
            channels=3 if pack.channels == 3 else 1,
            color_mode="RGB" if pack.channels == 3 else "L",
            steps=STEPS,
            input=f"{INPUT}: uint8 [{shape}], pixels 0 to 255 as decoded; the model normalises them itself",
            mean=pack.mean,
            std=pack.std,
        )
