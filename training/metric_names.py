"""The metrics of an epoch by name, and the direction of each.

No torch.
"""

from typing import Literal, get_args

Direction = Literal["maximize", "minimize"]

ValMetric = Literal[
    "val_accuracy", "val_loss", "val_balanced_accuracy", "val_macro_f1", "val_top5_accuracy", "val_auroc", "val_ece"
]
"""Metrics on the validation images: accuracies, macro F1 and AUROC in [0, 1], more is better; loss in nats
and expected calibration error in [0, 1], less is better."""

ExtraMetric = Literal["val_balanced_accuracy", "val_macro_f1", "val_top5_accuracy", "val_auroc", "val_ece"]
"""Metrics that are measured only where something uses them."""

CostMetric = Literal["params_m", "onnx_mb", "onnx_latency_ms"]
"""What a model costs, known before it is trained; less is better. Its parameters in millions, its ONNX file in MB (10^6
bytes), and the milliseconds that ONNX Runtime takes for one image on one thread of a CPU."""

COSTS = get_args(CostMetric)

SHORT = {"latency_ms": "onnx_latency_ms"}
"""Short names of metrics, by which users may call them."""

PEAK_MEMORY = "peak_memory_gb"
"""The most memory that a training takes, in GiB; less is better."""

Watched = Literal["train_loss", "train_accuracy", ValMetric]
"""Metrics that early stopping and the plateau schedule can follow."""


def direction_of(metric: str) -> Direction:
    """Return the direction in which `metric` is better."""
    return "minimize" if metric.endswith(("_loss", "_ece")) or metric in (*COSTS, PEAK_MEMORY) else "maximize"


def improves(metric: str, value: float, than: float | None, by: float = 0.0) -> bool:
    """Whether `value` beats `than` by more than `by` (>= 0).

    Anything is better than None.
    """
    if than is None:
        return True
    return value < than - by if direction_of(metric) == "minimize" else value > than + by
