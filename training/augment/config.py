"""The section `augment` of a configuration. No torch."""

from typing import Literal

from pydantic import Field

from ..section import Fraction, Section, only_with


class AugmentConfig(Section):
    """Random changes of the training images, per sample, on the device."""

    crop_padding: int = Field(
        default=0, ge=0, le=64, description="Pixels of zero padding before a random crop; 0 is off."
    )
    crop_area: float = Field(
        default=1.0,
        gt=0,
        le=1,
        description="Least share of the area that a random crop keeps and stretches; 1 is off, 0.08 usual for photos.",
    )
    flip: bool = Field(default=False, description="Mirror half of the images left to right.")
    alternate_flip: bool = Field(
        default=False,
        description="For flip: each image in every second epoch (Jordan 2024, arXiv:2404.00498, section 3.6).",
        json_schema_extra=only_with(flip=True),
    )
    rotation: float = Field(default=0.0, ge=0, le=180, description="Turn by up to so many degrees either way.")
    translate: Fraction = Field(default=0.0, description="Shift by up to this share of the side, both ways.")
    scale: Fraction = Field(default=0.0, description="Zoom by a factor of 1 - scale to 1 + scale.")
    shear: float = Field(default=0.0, ge=0, le=80, description="Slant by up to so many degrees, along both axes.")
    brightness: float = Field(default=0.0, ge=0, le=1, description="A factor of 1 - brightness to 1 + brightness.")
    contrast: float = Field(default=0.0, ge=0, le=1, description="A factor about the image's mean grey.")
    saturation: float = Field(default=0.0, ge=0, le=1, description="A factor about each pixel's grey; colour only.")
    hue: float = Field(
        default=0.0, ge=0, le=0.5, description="Turn the colour circle by up to this share; colour only."
    )
    policy: Literal["none", "trivial", "rand"] = Field(
        default="none",
        description="trivial: TrivialAugment (arXiv:2103.10158); rand: RandAugment (arXiv:1909.13719).",
    )
    rand_operations: int = Field(
        default=2,
        ge=1,
        le=8,
        description="Operations per image, for policy rand.",
        json_schema_extra=only_with(policy="rand"),
    )
    rand_magnitude: int = Field(
        default=9,
        ge=0,
        le=30,
        description="Strength of each of them, for policy rand.",
        json_schema_extra=only_with(policy="rand"),
    )
    erase: float = Field(
        default=0.0, ge=0, le=1, description="Share of images that lose a random box (arXiv:1708.04896)."
    )
    cutout: int = Field(
        default=0, ge=0, le=1024, description="Side in pixels of a square hole (arXiv:1708.04552); 0 is off."
    )
    mixup: float = Field(
        default=0.0, ge=0, le=10, description="Alpha of mixup (arXiv:1710.09412), 0.2 is usual; 0 is off."
    )
    cutmix: float = Field(
        default=0.0, ge=0, le=10, description="Alpha of cutmix (arXiv:1905.04899), 1 is usual; 0 is off."
    )
    mix_share: float = Field(
        default=1.0,
        gt=0,
        le=1,
        description="Share of images mixed, for mixup and cutmix.",
        json_schema_extra=only_with(mixup=None, cutmix=None),
    )
