"""The metrics of an epoch by name, and the direction of each.

No torch.
"""

from typing import Literal

Direction = Literal["maximize", "minimize"]

ValMetric = Literal[
    "val_accuracy", "val_loss", "val_balanced_accuracy", "val_macro_f1", "val_top5_accuracy", "val_auroc", "val_ece"
]
"""Metrics on the validation images: accuracies, macro F1 and AUROC in [0, 1], more is better; loss in nats
and expected calibration error in [0, 1], less is better."""

ExtraMetric = Literal["val_balanced_accuracy", "val_macro_f1", "val_top5_accuracy", "val_auroc", "val_ece"]
"""Metrics that are measured only where something uses them."""

Watched = Literal["train_loss", "train_accuracy", ValMetric]
"""Metrics that early stopping and the plateau schedule can follow."""


def direction_of(metric: str) -> Direction:
    """Return the direction in which `metric` is better."""
    return "minimize" if metric.endswith(("_loss", "_ece")) else "maximize"


def improves(metric: str, value: float, than: float | None, by: float = 0.0) -> bool:
    """Whether `value` beats `than` by more than `by` (>= 0).

    Anything is better than None.
    """
    if than is None:
        return True
    return value < than - by if direction_of(metric) == "minimize" else value > than + by
