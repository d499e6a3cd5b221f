"""The sections `optimizer`, `schedule` and `ema` of a configuration. No torch."""

from typing import Annotated, Literal

from pydantic import Field

from ..metric_names import Watched
from ..section import FIXED, Fraction, Section

_LR = "Peak learning rate; the schedule scales it."
_MOMENTUM = "Share of the last step that goes into the next."
_NESTEROV = "Nesterov's momentum in place of the plain one"
_BETA1 = "Decay of the running mean of gradients"
_BETA2 = "Decay of the running mean of squared gradients"


class _Optimizer(Section):
    lr: float = Field(gt=0, le=100, description=_LR)
    weight_decay: float = Field(default=0.0, ge=0, description="Not applied to norms and biases.")
    max_grad_norm: float | None = Field(default=None, gt=0, description="Clip the gradient to this L2 norm.")
    max_grad_value: float | None = Field(
        default=None, gt=0, description="Clip each element of the gradient to this size, before its norm."
    )


class Sgd(_Optimizer):
    """Stochastic gradient descent with momentum (Nesterov)."""

    name: Literal["sgd"] = "sgd"
    lr: float = Field(default=0.1, gt=0, le=100, description=_LR)
    momentum: Fraction = Field(default=0.9, description=_MOMENTUM)
    nesterov: bool = Field(default=True, description=f"{_NESTEROV}; without effect where momentum is 0.")


class Adam(_Optimizer):
    """Adam (Kingma & Ba 2014, arXiv:1412.6980); its weight decay is part of the gradient, see adamw."""

    name: Literal["adam"] = "adam"
    lr: float = Field(default=1e-3, gt=0, le=100, description=_LR)
    beta1: Fraction = Field(default=0.9, description=f"{_BETA1}.")
    beta2: Fraction = Field(default=0.999, description=f"{_BETA2}.")


class AdamW(_Optimizer):
    """Adam with decoupled weight decay (Loshchilov & Hutter 2017, arXiv:1711.05101)."""

    name: Literal["adamw"] = "adamw"
    lr: float = Field(default=1e-3, gt=0, le=100, description=_LR)
    beta1: Fraction = Field(default=0.9, description=f"{_BETA1}.")
    beta2: Fraction = Field(default=0.999, description=f"{_BETA2}.")


class RmsProp(_Optimizer):
    """RMSprop (Tieleman & Hinton 2012, Neural Networks for Machine Learning, lecture 6.5)."""

    name: Literal["rmsprop"] = "rmsprop"
    lr: float = Field(default=1e-3, gt=0, le=100, description=_LR)
    alpha: Fraction = Field(default=0.99, description="Decay of the running mean of squared gradients.")
    momentum: Fraction = Field(default=0.0, description=_MOMENTUM)
    centered: bool = Field(default=False, description="Divide by the variance of the gradient, not its square.")


class Muon(_Optimizer):
    """Momentum made orthogonal for hidden matrices and convolutions, AdamW for the rest (Jordan et al. 2024).

    https://kellerjordan.github.io/posts/muon/. The update has the size of AdamW's (Liu et al. 2025, arXiv:2502.16982,
    section 2.2), so that one learning rate and one decay serve both.
    """

    name: Literal["muon"] = "muon"
    lr: float = Field(default=1e-3, gt=0, le=100, description=_LR)
    momentum: Fraction = Field(default=0.95, description=_MOMENTUM)
    nesterov: bool = Field(default=True, description=f"{_NESTEROV}.")
    beta1: Fraction = Field(default=0.9, description=f"Of AdamW, for the rest: {_BETA1.lower()}.")
    beta2: Fraction = Field(default=0.999, description=f"Of AdamW, for the rest: {_BETA2.lower()}.")


OptimizerConfig = Annotated[Sgd | Adam | AdamW | RmsProp | Muon, Field(discriminator="name")]


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


class Plateau(_Schedule):
    """The rate falls by `gamma` whenever `metric` has not become better for `patience` epochs."""

    name: Literal["plateau"] = "plateau"
    metric: Watched = Field(
        default="val_loss", description="A winner is trained again with the rates that its trial had."
    )
    patience: int = Field(default=5, ge=1, le=10_000, description="Epochs without an improvement before a fall.")
    min_delta: float = Field(default=0.0, ge=0, description="Smaller changes are no improvement.")
    gamma: float = Field(default=0.1, gt=0, lt=1, description="Factor of each fall.")
    final: Fraction = Field(default=0.0, description="Smallest rate as a share of the peak.")


class Piecewise(_Schedule):
    """A share of the peak rate for each epoch; after the warm-up, where there is one."""

    name: Literal["piecewise"] = "piecewise"
    factors: tuple[Annotated[float, Field(ge=0, le=1)], ...] = Field(
        default=(1.0,),
        min_length=1,
        strict=False,
        description="Of the peak, by epoch; the last holds for all further epochs.",
        json_schema_extra=FIXED,
    )


ScheduleConfig = Annotated[Constant | Step | Cosine | OneCycle | Plateau | Piecewise, Field(discriminator="name")]


class EmaConfig(Section):
    """An exponential moving average of the weights, by which the model is judged and kept."""

    decay: float | None = Field(
        default=None,
        ge=0,
        lt=1,
        description="Share of the old average kept at each step, for example 0.999; null: no average.",
    )
