"""The sections `loss` and `sampling` of a configuration. No torch."""

from typing import Literal

from pydantic import Field

from ..section import Fraction, Section, only_with


class LossConfig(Section):
    """Cross-entropy and its variants."""

    kind: Literal["cross_entropy", "focal"] = Field(
        default="cross_entropy",
        description="focal: less weight on images that are classified well (Lin et al. 2017, arXiv:1708.02002).",
    )
    label_smoothing: Fraction = Field(default=0.0, description="Szegedy et al. 2015, arXiv:1512.00567, section 7.")
    focal_gamma: float = Field(
        default=2.0,
        ge=0,
        le=20,
        description="How much less, for kind focal; 0 is cross-entropy.",
        json_schema_extra=only_with(kind="focal"),
    )
    class_weights: Literal["none", "inverse", "effective"] = Field(
        default="none",
        description="inverse: 1 / images of the class; effective: Cui et al. 2019, arXiv:1901.05555.",
    )
    effective_beta: float = Field(
        default=0.999,
        ge=0,
        lt=1,
        description="For class_weights effective; 0 weighs all alike, near 1 is inverse.",
        json_schema_extra=only_with(class_weights="effective"),
    )


class SamplingConfig(Section):
    """Which training images an epoch shows, and how often."""

    method: Literal["shuffle", "weighted", "undersample"] = Field(
        default="shuffle",
        description="shuffle: each once; weighted: as many, drawn with replacement; undersample: fewer of big classes.",
    )
    balance: float = Field(
        default=1.0,
        ge=0,
        le=1,
        description="For weighted: 1 shows all classes equally often, 0 as they are, 0.5 by the root of their sizes.",
        json_schema_extra=only_with(method="weighted"),
    )
    ratio: float = Field(
        default=1.0,
        ge=1,
        le=10_000,
        description="For undersample: at most so many times the smallest class.",
        json_schema_extra=only_with(method="undersample"),
    )
