"""TrialConfig: everything that decides what one training run does, frozen and validated.

It is saved on the trial as JSON and is the only thing that `retrain-best` starts from. A space file is the same tree
with dimensions in place of some values. No torch here: the coordinator reads this file and must start at once.
"""

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, model_validator

Fraction = Annotated[float, Field(ge=0, lt=1)]

# Marks for the space language: FIXED fields decide which data is used or what is compared, so that no trial may differ
# in them; a relative PATH is meant from the file that says it.
FIXED: dict[str, Any] = {"fixed": True}
FIXED_PATH: dict[str, Any] = {"fixed": True, "path": True}


class Section(BaseModel):
    """A part of the configuration: frozen, no unknown keys, no silent conversion of types."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class ObjectiveConfig(Section):
    """What the search optimises, and by what the best epoch of a trial is chosen."""

    metric: Literal["val_accuracy", "val_loss"] = Field(
        default="val_accuracy", description="A metric of every epoch report."
    )
    direction: Literal["maximize", "minimize"] = Field(default="maximize", description="minimize for losses.")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        wanted = "minimize" if self.metric.endswith("loss") else "maximize"
        if self.direction != wanted:
            raise ValueError(f"direction must be {wanted} for {self.metric}, got {self.direction}")
        return self

    def better(self, value: float, than: float | None) -> bool:
        """Whether `value` beats `than` (None: nothing reached yet)."""
        return than is None or (value > than if self.direction == "maximize" else value < than)


class DataConfig(Section):
    """Which images, at which size, split how."""

    source: str = Field(
        default="cifar10",
        description="digits, fashion_mnist, mnist, cifar10, or a folder of class folders.",
        json_schema_extra=FIXED_PATH,
    )
    image_size: int | None = Field(
        default=None, ge=4, le=1024, description="Side in pixels; None keeps the source's own.", json_schema_extra=FIXED
    )
    color: Literal["auto", "rgb", "grey"] = Field(
        default="auto", description="auto: grey if every image is grey.", json_schema_extra=FIXED
    )
    val_fraction: float = Field(
        default=0.1,
        gt=0,
        lt=1,
        description="Of all images; ignored where a val split is given.",
        json_schema_extra=FIXED,
    )
    test_fraction: float = Field(
        default=0.1,
        gt=0,
        lt=1,
        description="Of all images; ignored where a test split is given.",
        json_schema_extra=FIXED,
    )
    split_seed: int = Field(default=0, ge=0, description="Seed of the stratified split.", json_schema_extra=FIXED)
    max_train: int | None = Field(
        default=None, ge=1, description="Use at most this many training images (stratified).", json_schema_extra=FIXED
    )
    max_val: int | None = Field(
        default=None, ge=1, description="Use at most this many validation images (stratified).", json_schema_extra=FIXED
    )
    batch_size: int = Field(default=128, ge=1, le=65536, description="Images per optimiser step.")


class AugmentConfig(Section):
    """Random changes of the training images, per sample, on the device."""

    crop_padding: int = Field(
        default=0, ge=0, le=64, description="Pixels of zero padding before a random crop; 0 is off."
    )
    flip: bool = Field(default=False, description="Mirror half of the images left to right.")


class SimpleCnn(Section):
    """A plain convolutional network: three blocks of convolution, batch norm, ReLU and pooling, one hidden layer."""

    name: Literal["simple_cnn"] = "simple_cnn"
    width: int = Field(
        default=32, ge=4, le=512, description="Channels of the first block; each later block doubles them."
    )
    dropout: Fraction = Field(default=0.25, description="Before the classifier.")


class ResNet(Section):
    """A residual network of basic blocks (He et al. 2015, arXiv:1512.03385, section 4.2 for the small ones)."""

    name: Literal["resnet"] = "resnet"
    depth: Literal[10, 14, 18, 20, 32, 34] = Field(
        default=18, description="10, 18, 34: four stages; 14, 20, 32: three."
    )
    width: int = Field(
        default=64, ge=4, le=512, description="Channels of the first stage; each later stage doubles them."
    )
    dropout: Fraction = Field(default=0.0, description="Before the classifier.")
    stem: Literal["auto", "small", "imagenet"] = Field(
        default="auto", description="auto: small up to 64 pixels a side."
    )


class CustomModel(BaseModel):
    """A user's own model, `path/to/file.py:name`; every other key is passed to it as a keyword argument."""

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


ModelConfig = Annotated[
    Annotated[SimpleCnn, Tag("simple_cnn")] | Annotated[ResNet, Tag("resnet")] | Annotated[CustomModel, Tag("custom")],
    Discriminator(_model_kind),
]


class _Optimizer(Section):
    lr: float = Field(gt=0, le=100, description="Peak learning rate; the schedule scales it.")
    weight_decay: float = Field(default=0.0, ge=0, description="Not applied to norms and biases.")
    max_grad_norm: float | None = Field(default=None, gt=0, description="Clip the gradient to this L2 norm.")


class Sgd(_Optimizer):
    """Stochastic gradient descent with momentum (Nesterov)."""

    name: Literal["sgd"] = "sgd"
    lr: float = Field(default=0.1, gt=0, le=100, description="Peak learning rate; the schedule scales it.")
    momentum: Fraction = Field(default=0.9)
    nesterov: bool = Field(default=True, description="Without effect where momentum is 0.")


class AdamW(_Optimizer):
    """Adam with decoupled weight decay (Loshchilov & Hutter 2017, arXiv:1711.05101)."""

    name: Literal["adamw"] = "adamw"
    lr: float = Field(default=1e-3, gt=0, le=100, description="Peak learning rate; the schedule scales it.")
    beta1: Fraction = Field(default=0.9)
    beta2: Fraction = Field(default=0.999)


OptimizerConfig = Annotated[Sgd | AdamW, Field(discriminator="name")]


class _Schedule(Section):
    warmup: Fraction = Field(
        default=0.0, description="Share of all steps over which the rate rises linearly from near 0."
    )


class Constant(_Schedule):
    """The peak rate from the end of the warm-up to the end."""

    name: Literal["constant"] = "constant"


class Step(_Schedule):
    """The rate falls by `gamma` at equal distances, `drops` times."""

    name: Literal["step"] = "step"
    drops: int = Field(default=2, ge=1, le=20, description="How many times the rate falls.")
    gamma: float = Field(default=0.1, gt=0, lt=1, description="Factor of each fall.")


class Cosine(_Schedule):
    """Half a cosine from the peak to `final` (Loshchilov & Hutter 2016, arXiv:1608.03983, without restarts)."""

    name: Literal["cosine"] = "cosine"
    final: Fraction = Field(default=0.0, description="Last rate as a share of the peak.")


class OneCycle(Section):
    """Up by a cosine, then down by a cosine far below the start (Smith & Topin 2017, arXiv:1708.07120)."""

    name: Literal["one_cycle"] = "one_cycle"
    warmup: float = Field(default=0.3, gt=0, lt=1, description="Share of all steps on the way up.")
    start: float = Field(default=0.04, gt=0, le=1, description="First rate as a share of the peak.")
    final: float = Field(default=4e-6, gt=0, le=1, description="Last rate as a share of the peak.")


ScheduleConfig = Annotated[Constant | Step | Cosine | OneCycle, Field(discriminator="name")]


class LossConfig(Section):
    """Cross-entropy and its variants."""

    label_smoothing: Fraction = Field(default=0.0, description="Szegedy et al. 2015, arXiv:1512.00567, section 7.")


class PrecisionConfig(Section):
    """How numbers are kept while training."""

    dtype: Literal["auto", "fp32", "bf16", "fp16"] = Field(
        default="auto", description="auto: bf16 or fp16 on CUDA, else fp32."
    )


class BudgetConfig(Section):
    """How long a trial may train."""

    epochs: int = Field(default=10, ge=1, le=100_000, description="The schedule's length.")
    patience: int | None = Field(
        default=None, ge=1, description="Stop after this many epochs without a better objective."
    )


class TrialConfig(Section):
    """One training run, whole."""

    objective: ObjectiveConfig = Field(default=ObjectiveConfig(), json_schema_extra=FIXED)
    data: DataConfig = DataConfig()
    augment: AugmentConfig = AugmentConfig()
    model: ModelConfig = ResNet()
    optimizer: OptimizerConfig = Sgd()
    schedule: ScheduleConfig = Cosine()
    loss: LossConfig = LossConfig()
    precision: PrecisionConfig = PrecisionConfig()
    budget: BudgetConfig = BudgetConfig()
    seed: int = Field(
        default=0,
        ge=0,
        lt=2**31,
        description="Of weights, shuffling, dropout and augmentation.",
        json_schema_extra=FIXED,
    )
