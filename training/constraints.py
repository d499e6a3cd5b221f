"""The section `constraints` of a configuration: limits that a trial has to keep to. No torch."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from .metric_names import direction_of
from .section import Section

Sign = Literal["<=", ">="]

_LIMIT = re.compile(r"(<=|>=)\s*((?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)", re.ASCII)
_SIGNS: dict[str, Sign] = {"minimize": "<=", "maximize": ">="}


@dataclass(frozen=True, slots=True)
class Limit:
    """What `metric` may be: at most, or at least, `value`."""

    metric: str
    sign: Sign
    value: float

    def excess(self, value: float) -> float:
        """By how much `value` breaks the limit, as a share of it; 0 or less where it keeps to it."""
        beyond = value - self.value if self.sign == "<=" else self.value - value
        return beyond / (self.value or 1.0)

    def words(self, value: float) -> str:
        """A line for people: `params_m must be <= 5, got 11.2`."""
        return f"{self.metric} must be {self.sign} {self.value:g}, got {value:.4g}"


def _in_one_form(sign: Sign, text: object) -> object:
    if text is None:
        return None
    match = _LIMIT.fullmatch(text.strip()) if isinstance(text, str) else None
    if match is None or match[1] != sign:
        raise ValueError(f'must be a limit such as "{sign} 5"')
    return f"{sign} {float(match[2]):g}"


AtMost = Annotated[str | None, BeforeValidator(lambda text: _in_one_form("<=", text))]
AtLeast = Annotated[str | None, BeforeValidator(lambda text: _in_one_form(">=", text))]


class ConstraintsConfig(Section):
    """Limits that a trial has to keep to.

    What breaks one is never the winner. What is known of a model before it is trained is not trained then.
    """

    params_m: AtMost = Field(default=None, description='Millions of parameters, such as "<= 5".')
    onnx_mb: AtMost = Field(default=None, description="Size of the ONNX file, in MB.")
    onnx_latency_ms: AtMost = Field(
        default=None, description="Milliseconds of ONNX Runtime for one image, on one thread of a CPU."
    )
    peak_memory_gb: AtMost = Field(
        default=None, description="Memory of a training: of its card, on a CPU that of its process, in GiB."
    )
    val_accuracy: AtLeast = Field(default=None, description='Of the epoch that counts, such as ">= 0.9".')
    val_loss: AtMost = Field(default=None, description="Of the epoch that counts.")
    val_balanced_accuracy: AtLeast = Field(default=None, description="Of the epoch that counts.")
    val_macro_f1: AtLeast = Field(default=None, description="Of the epoch that counts.")
    val_top5_accuracy: AtLeast = Field(default=None, description="Of the epoch that counts.")
    val_auroc: AtLeast = Field(default=None, description="Of the epoch that counts.")
    val_ece: AtMost = Field(default=None, description="Of the epoch that counts.")

    @property
    def limits(self) -> Iterator[Limit]:
        """The limits that are set."""
        for metric in ConstraintsConfig.model_fields:
            text = getattr(self, metric)
            if text is not None:
                yield Limit(metric, _SIGNS[direction_of(metric)], float(text.split()[1]))

    def excesses(self, metrics: Mapping[str, float]) -> dict[str, float]:
        """By how much `metrics` break each limit on one of them, see Limit.excess."""
        return {limit.metric: limit.excess(metrics[limit.metric]) for limit in self.limits if limit.metric in metrics}

    def broken(self, metrics: Mapping[str, float]) -> str:
        """The limits that `metrics` break, in words; empty for none."""
        return "; ".join(
            limit.words(metrics[limit.metric])
            for limit in self.limits
            if limit.metric in metrics and not limit.excess(metrics[limit.metric]) <= 0
        )
