"""The section `model` of a configuration. No torch."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, model_validator

from ..section import FIXED_PATH, PATH, Fraction, Section

NormName = Literal["batch", "group", "layer", "instance", "none"]
InitName = Literal[
    "kaiming_normal",
    "kaiming_uniform",
    "xavier_normal",
    "xavier_uniform",
    "orthogonal",
    "trunc_normal",
    "default",
]

_DROPOUT = "Before the classifier."


class FineTuned(Section):
    """A model that may start from trained weights.

    Its head is drawn anew, the rest is called the backbone.
    """

    pretrained: Any = Field(default=None, json_schema_extra=PATH)  # each kind of model says what it may be
    backbone_lr: float = Field(
        default=1.0, ge=0, le=1, description="Learning rate of the backbone as a share of the head's; 0 freezes it."
    )
    layer_decay: float = Field(
        default=1.0, gt=0, le=1, description="Factor on the learning rate for each block further from the head."
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.backbone_lr == 0 and not self.pretrained:
            raise ValueError("backbone_lr must be > 0 without pretrained: a frozen random backbone learns nothing")
        return self

    @property
    def is_tuned(self) -> bool:
        """Whether anything here differs from plain training."""
        return bool(self.pretrained) or self.backbone_lr < 1 or self.layer_decay < 1


class OfTheZoo(FineTuned):
    """A model of hpo's own."""

    @classmethod
    def sizes(cls) -> "Mapping[str, Self]":
        """Return the sizes that `hpo models` lists, by the name's ending.

        A model of one size has no such ending.
        """
        return {"": cls()}

    pretrained: str | None = Field(
        default=None,
        description="path/to/file of weights of the same model, such as a best.ckpt; null: drawn at random.",
        json_schema_extra=PATH,
    )
    norm: NormName = Field(default="batch", description="After each convolution.")
    init: InitName = Field(
        default="kaiming_normal", description="How the convolutions are drawn; linear layers keep torch's own draw."
    )


class SimpleCnn(OfTheZoo):
    """A plain convolutional network: three blocks and one hidden layer.

    A block is convolution, norm, ReLU and pooling.
    """

    name: Literal["simple_cnn"] = "simple_cnn"
    width: int = Field(
        default=32, ge=4, le=512, description="Channels of the first block; each later block doubles them."
    )
    dropout: Fraction = Field(default=0.25, description=_DROPOUT)


class ResNet(OfTheZoo):
    """A residual network of basic blocks.

    He et al. 2015, arXiv:1512.03385; section 4.2 for the small ones.
    """

    name: Literal["resnet"] = "resnet"
    depth: Literal[10, 14, 18, 20, 32, 34] = Field(
        default=18, description="10, 18, 34: four stages; 14, 20, 32: three."
    )
    width: int = Field(
        default=64, ge=4, le=512, description="Channels of the first stage; each later stage doubles them."
    )
    dropout: Fraction = Field(default=0.0, description=_DROPOUT)
    stem: Literal["auto", "small", "imagenet"] = Field(
        default="auto", description="auto: small up to 64 pixels a side."
    )

    @classmethod
    def sizes(cls) -> "Mapping[str, Self]":
        """Return a size for each depth."""
        return {f"/{depth}": cls(depth=depth) for depth in get_args(cls.model_fields["depth"].annotation)}


class Published(FineTuned):
    """A model of a library, by the name that it has there."""

    arch: str = "resnet18"
    pretrained: bool | str = Field(
        default=False,
        description="true: the default weights; or their name, or path/to/file; false: drawn at random.",
        json_schema_extra=PATH,
    )
    dropout: float | None = Field(
        default=None, ge=0, lt=1, description="Before the classifier; null: the architecture's own."
    )


class Torchvision(Published):
    """Any classifier of torchvision; `hpo models torchvision` lists them."""

    name: Literal["torchvision"] = "torchvision"
    arch: str = Field(default="resnet18", description="As torchvision calls it: resnet50, convnext_tiny, vit_b_16, ...")


class Timm(Published):
    """Any model of timm, which must be installed; `hpo models timm/NAME` lists them."""

    name: Literal["timm"] = "timm"
    arch: str = Field(default="resnet18", description="As timm calls it: resnet50, resnet50.a1_in1k, ...")


PublishedModel = Torchvision | Timm


class CustomModel(BaseModel):
    """A user's own model, `path/to/file.py:name`.

    Every other key is passed to it as a keyword argument.
    """

    model_config = ConfigDict(frozen=True, extra="allow", strict=True)

    name: str = Field(
        pattern=r"^.+\.py:[A-Za-z_]\w*$",
        description="path/to/file.py:Name for your own",
        json_schema_extra=FIXED_PATH,
    )

    @property
    def arguments(self) -> dict[str, Any]:
        """The keyword arguments for the user's model."""
        return dict(self.model_extra or {})


def _model_kind(value: Any) -> str:
    name = value.get("name", "") if isinstance(value, dict) else getattr(value, "name", "")
    return "custom" if ".py:" in str(name) else str(name)


BuiltIn = (
    Annotated[SimpleCnn, Tag("simple_cnn")]
    | Annotated[ResNet, Tag("resnet")]
    | Annotated[Torchvision, Tag("torchvision")]
    | Annotated[Timm, Tag("timm")]
)
"""The models there are.

The one list that the space language, `hpo models`, workers and retraining read.
"""

ModelConfig = Annotated[BuiltIn | Annotated[CustomModel, Tag("custom")], Discriminator(_model_kind)]

SECTIONS: Mapping[str, type[BuiltIn]] = {tag.tag: section for section, tag in map(get_args, get_args(BuiltIn))}
"""The sections of built-in models by name.

The network of each is registered by the module of its name in this folder.
"""


def needs_trial(model: ModelConfig) -> bool:
    """Whether `model` may fail on some images.

    hpo's own take any, but for one norm and for a file of weights.
    """
    return not isinstance(model, OfTheZoo) or bool(model.pretrained) or model.norm == "instance"
