"""TrialConfig: everything that decides one training, frozen and validated.

It is saved on the trial as JSON and is the only thing that `retrain-best` starts from. A space file is the same tree
with dimensions in place of some values. No torch here: the coordinator reads this file and must start at once.
"""

from collections.abc import Sequence
from statistics import fmean
from typing import Any, Literal, NamedTuple, Self

from pydantic import Field, model_validator

from .augment.config import AugmentConfig
from .constraints import ConstraintsConfig
from .data.config import DataConfig
from .losses.config import LossConfig, SamplingConfig
from .metric_names import COSTS, SHORT, CostMetric, Direction, ExtraMetric, ValMetric, Watched, direction_of
from .models.config import ModelConfig, ResNet
from .optim.config import Cosine, EmaConfig, OptimizerConfig, ScheduleConfig, Sgd
from .report import EpochReport, by_fold
from .section import FIXED, LISTED, Section


class Worth(NamedTuple):
    """The value of a training, the epoch whose weights are kept for it, and what it is worth to further objectives."""

    value: float
    epoch: int
    others: tuple[float, ...] = ()


def _with_direction(values: Any) -> Any:
    """Add the direction that follows from the metric, which has one name."""
    if not isinstance(values, dict) or not isinstance(metric := values.get("metric"), str):
        return values
    metric = SHORT.get(metric, metric)
    return {"direction": direction_of(metric), **values, "metric": metric}


class FurtherObjective(Section):
    """A number that a search optimises beside the first one."""

    metric: ValMetric | CostMetric = Field(description="latency_ms is short for onnx_latency_ms.")
    direction: Direction = Field(default="minimize", description="Follows from the metric where it is left out.")

    _follows = model_validator(mode="before")(_with_direction)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        _check_direction(self.metric, self.direction)
        return self


def _check_direction(metric: str, direction: Direction) -> None:
    if direction != (wanted := direction_of(metric)):
        raise ValueError(f"direction must be {wanted} for {metric}, got {direction}")


class ObjectiveConfig(Section):
    """The number that a search optimises, and the epoch whose weights a training keeps.

    A list of objectives is the first one, measured on validation images, with the rest in `also`.

    A winner is trained again without validation images, so that no epoch can be chosen there: `last` is what that
    gives. The best of many epochs is chosen for being high, and higher than what training again gives.
    """

    metric: ValMetric = Field(default="val_accuracy", description="val_auroc is for two classes.")
    direction: Direction = Field(default="maximize", description="Follows from the metric where it is left out.")
    at: Literal["last", "best"] = Field(
        default="last", description="The epoch that counts, and whose weights are kept: the last trained, or the best."
    )
    mean_of: int = Field(
        default=1,
        ge=1,
        le=1000,
        description="With at: last, the value is the mean of so many last epochs; the weights are the last one's.",
    )

    also: tuple[FurtherObjective, ...] = Field(
        default=(), strict=False, max_length=3, description="Further objectives; the best trials are a Pareto front."
    )

    _follows = model_validator(mode="before")(_with_direction)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        _check_direction(self.metric, self.direction)
        twice = [each.metric for each in self.also if self.metrics.count(each.metric) > 1]
        if twice:
            raise ValueError(f"objectives must differ, got {twice[0]} twice")
        if self.at == "best" and self.mean_of > 1:
            raise ValueError(f"mean_of must be 1 with at: best, got {self.mean_of}; at: last takes a mean")
        return self

    def worth(self, history: Sequence[EpochReport]) -> Worth | None:
        """What a training with these epochs is worth; None before the first.

        It is the one definition: of what is reported, compared, told, shown and retrained.
        """
        if not history:
            return None
        values = [report.metrics[self.metric] for report in history]
        if self.at == "last":
            counted = history[-self.mean_of :]
        else:
            value = max(values) if self.direction == "maximize" else min(values)
            counted = [history[values.index(value)]]  # the first of equals
        value, *others = (fmean(report.metrics[metric] for report in counted) for metric in self.metrics)
        return Worth(value, counted[-1].epoch, tuple(others))

    @property
    def metrics(self) -> tuple[str, ...]:
        """The metrics of all objectives, the first one's first."""
        return (self.metric, *(each.metric for each in self.also))

    @property
    def directions(self) -> tuple[Direction, ...]:
        """The directions of all objectives, in the order of `metrics`."""
        return (self.direction, *(each.direction for each in self.also))

    def worths(self, history: Sequence[EpochReport]) -> list[Worth]:
        """What each fold that has ended is worth; of a training without folds, what that is."""
        folds = (fold for fold in by_fold(history) if fold[-1].ends_fold or not fold[-1].fold)
        return [worth for fold in folds if (worth := self.worth(fold))]

    @property
    def name(self) -> str:
        """The name of what a training is worth, in trackers: `last_val_accuracy`."""
        return f"{self.at}_{self.mean_of}_{self.metric}" if self.mean_of > 1 else f"{self.at}_{self.metric}"

    @property
    def words(self) -> str:
        """What of the metric counts: `the last epoch`."""
        return f"the mean of the last {self.mean_of} epochs" if self.mean_of > 1 else f"the {self.at} epoch"


class PrecisionConfig(Section):
    """The number format of training."""

    dtype: Literal["auto", "fp32", "bf16", "fp16"] = Field(
        default="auto",
        description="auto: bf16 on CUDA where the card has it, else fp16; fp32 on a CPU. Settled before training.",
    )


class MemoryConfig(Section):
    """What to give up for memory.

    Out of memory on CUDA, a training halves `micro_batch` by itself and goes on.
    """

    micro_batch: int | None = Field(
        default=None,
        ge=1,
        le=65536,
        description="Images per pass (batch norm: two at least); gradients add up over data.batch_size. null: all.",
    )
    checkpoint_activations: bool = Field(
        default=False, description="Compute activations a second time in the backward pass instead of keeping them."
    )


class BudgetConfig(Section):
    """How long a trial may train."""

    epochs: int = Field(default=10, ge=1, le=100_000, description="The schedule's length.")
    patience: int | None = Field(
        default=None,
        ge=1,
        description="Stop after this many epochs without a better patience_metric; null: never. "
        "objective.at says which of them counts.",
    )
    patience_metric: Watched | None = Field(default=None, description="null: the objective, by objective.at.")
    min_delta: float = Field(default=0.0, ge=0, description="For patience: smaller changes are no improvement.")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.patience is None and (self.patience_metric is not None or self.min_delta):
            raise ValueError("patience must be set where patience_metric or min_delta is")
        return self


class TrialConfig(Section):
    """The configuration of one training."""

    objective: ObjectiveConfig = Field(default=ObjectiveConfig(), json_schema_extra=FIXED | LISTED)
    constraints: ConstraintsConfig = Field(default=ConstraintsConfig(), json_schema_extra=FIXED)
    metrics: tuple[ExtraMetric, ...] = Field(
        default=(),
        strict=False,
        description="What else to measure on the validation images after every epoch.",
        json_schema_extra=FIXED,
    )
    data: DataConfig = DataConfig()
    augment: AugmentConfig = AugmentConfig()
    sampling: SamplingConfig = SamplingConfig()
    model: ModelConfig = ResNet()
    optimizer: OptimizerConfig = Sgd()
    schedule: ScheduleConfig = Cosine()
    ema: EmaConfig = EmaConfig()
    loss: LossConfig = LossConfig()
    precision: PrecisionConfig = PrecisionConfig()
    memory: MemoryConfig = MemoryConfig()
    compile: Literal["off", "auto", "on"] = Field(
        default="off", description="torch.compile; auto: on where it is measured, once, to pay back."
    )
    budget: BudgetConfig = BudgetConfig()
    devices: int = Field(
        default=1,
        ge=1,
        le=64,
        description="Devices that share each batch of a training, with DistributedDataParallel.",
        json_schema_extra=FIXED,
    )
    seed: int = Field(
        default=0,
        ge=0,
        lt=2**31,
        description="Of weights, shuffling, dropout and augmentation.",
        json_schema_extra=FIXED,
    )

    @property
    def wanted_costs(self) -> tuple[str, ...]:
        """The costs of the model that are objectives or limited."""
        limited = {limit.metric for limit in self.constraints.limits}
        return tuple(name for name in COSTS if name in limited or name in self.objective.metrics)

    @property
    def steps(self) -> int:
        """How many values a trial reports to its study: one an epoch, or one a fold."""
        return self.data.folds or self.budget.epochs

    @property
    def epochs_a_step(self) -> int:
        """The epochs from one of these values to the next, where patience ends none before."""
        return self.budget.epochs if self.data.folds else 1

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.devices > 1 and self.compile == "on":
            raise ValueError("compile must be off or auto where devices share a batch, got on")
        return self
