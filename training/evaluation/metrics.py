"""The metrics of a classifier on labelled images, by scikit-learn.

What a search optimises is measured alike.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax
from sklearn import metrics as sklearn_metrics

from ...common.interval import wilson
from ..metrics import scores
from ..metrics.confidence import Labels, Logits, expected_calibration_error
from .bootstrap import Interval, Intervals, bootstrap
from .temperature import negative_log_likelihood, scaled

TOP = 5  # as in ILSVRC; with five classes or fewer it says nothing


@dataclass(frozen=True, slots=True)
class ClassScores:
    """The scores of one class, with 95 % intervals.

    `images` of it; intervals are Wilson's of shares, F1's bootstrapped.

    The metrics are None for a class that has no images here; `precision` of one that was never answered is 0. `auroc`
    sets the class against all others.
    """

    name: str
    images: int
    precision: float | None
    recall: float | None
    f1: float | None
    auroc: float | None
    precision_interval: Interval | None
    recall_interval: Interval | None
    f1_interval: Interval | None


@dataclass(frozen=True, slots=True)
class Metrics:
    """The metrics of a classifier on N images.

    Shares are in [0, 1], `nll` is in nats.

    `interval` is that of the accuracy (Wilson, 95 %); the other intervals are bootstrapped. `balanced_accuracy`,
    `macro_f1` and `auroc` are means over the classes that have images. `top5_accuracy` is None with five classes or
    fewer, `auroc` where all images are of one class. `nll` and `ece` are of the calibrated probabilities, those of the
    undivided logits are called `uncalibrated`. `confusion_matrix` [true, answered] counts images.
    """

    images: int
    accuracy: float
    interval: Interval
    balanced_accuracy: float
    balanced_accuracy_interval: Interval
    macro_f1: float
    macro_f1_interval: Interval
    top5_accuracy: float | None
    auroc: float | None
    nll: float
    nll_uncalibrated: float
    ece: float
    ece_uncalibrated: float
    per_class: tuple[ClassScores, ...]
    confusion_matrix: tuple[tuple[int, ...], ...]


def measure(logits: Logits, labels: Labels, class_names: Sequence[str], temperature: float = 1.0) -> Metrics:
    """Measure `logits` [N, classes] on `labels` [N], N at least 1.

    The logits are finite.

    Ties of logits are answered by the first of the classes.
    """
    classes = len(class_names)
    divided = scaled(logits, temperature)
    chosen = logits.argmax(axis=1)
    confusion = sklearn_metrics.confusion_matrix(labels, chosen, labels=range(classes))
    correct = int(confusion.trace())
    class_aurocs = _areas(divided, labels, classes)
    present_aurocs = [area for area in class_aurocs if area is not None]
    drawn = bootstrap(confusion)
    return Metrics(
        images=len(labels),
        accuracy=correct / len(labels),
        interval=wilson(correct, len(labels)),
        balanced_accuracy=scores.balanced_accuracy(logits, labels),
        balanced_accuracy_interval=drawn.balanced_accuracy,
        macro_f1=scores.macro_f1(logits, labels),
        macro_f1_interval=drawn.macro_f1,
        top5_accuracy=scores.top5_accuracy(logits, labels) if classes > TOP else None,
        auroc=float(np.mean(present_aurocs)) if present_aurocs else None,
        nll=negative_log_likelihood(divided, labels),
        nll_uncalibrated=negative_log_likelihood(logits, labels),
        ece=expected_calibration_error(divided, labels),
        ece_uncalibrated=expected_calibration_error(logits, labels),
        per_class=_per_class(labels, chosen, confusion, class_names, class_aurocs, drawn),
        confusion_matrix=tuple(tuple(row) for row in confusion.tolist()),
    )


def _per_class(
    labels: Labels,
    chosen: NDArray[np.int64],
    confusion: NDArray[np.int64],
    names: Sequence[str],
    areas: Sequence[float | None],
    drawn: Intervals,
) -> tuple[ClassScores, ...]:
    of_classes: Any = sklearn_metrics.precision_recall_fscore_support
    precision, recall, f1, images = of_classes(labels, chosen, labels=range(len(names)), zero_division=0)
    hits, answered = confusion.diagonal().tolist(), confusion.sum(axis=0).tolist()
    return tuple(
        ClassScores(
            name=name,
            images=int(images[k]),
            precision=float(precision[k]) if images[k] else None,
            recall=float(recall[k]) if images[k] else None,
            f1=float(f1[k]) if images[k] else None,
            auroc=areas[k],
            precision_interval=wilson(hits[k], answered[k]) if images[k] and answered[k] else None,
            recall_interval=wilson(hits[k], int(images[k])) if images[k] else None,
            f1_interval=drawn.f1[k],
        )
        for k, name in enumerate(names)
    )


def _areas(logits: Logits, labels: Labels, classes: int) -> list[float | None]:
    """Return each class's area under the ROC curve of its probability.

    None where its images are none or all.
    """
    present = set(np.unique(labels).tolist())
    if len(present) < 2:
        return [None] * classes
    shares = softmax(logits.astype(np.float64), axis=1)
    return [
        float(sklearn_metrics.roc_auc_score(labels == k, shares[:, k])) if k in present else None
        for k in range(classes)
    ]
