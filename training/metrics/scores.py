"""Validation metrics beyond loss and accuracy, registered by name.

Measured only where wanted.
"""

from collections.abc import Callable, Iterable, Mapping

import numpy as np
from sklearn import metrics as sklearn_metrics

from ...common.registry import Registry
from ..metric_names import ExtraMetric
from .confidence import Labels, Logits, expected_calibration_error

Score = Callable[[Logits, Labels], float]

SCORES: Registry[Score] = Registry("metric")

_TOP = 5  # as in ILSVRC


def measure(names: Iterable[ExtraMetric], logits: Logits, labels: Labels) -> Mapping[str, float]:
    """Measure each metric of `names`.

    On logits float32 [N, classes] and labels int64 [N].
    """
    return {name: float(SCORES.find(name)(logits, labels)) for name in names}


@SCORES.register("val_balanced_accuracy")
def balanced_accuracy(logits: Logits, labels: Labels) -> float:
    """Return the mean over classes of their recall."""
    chosen = logits.argmax(axis=1)
    # labels=: classes without an image have no recall, they are left out instead of counting 0.
    return float(sklearn_metrics.recall_score(labels, chosen, labels=np.unique(labels), average="macro"))


@SCORES.register("val_macro_f1")
def macro_f1(logits: Logits, labels: Labels) -> float:
    """Return the mean F1 over the classes in the labels.

    0 for a class that is never recognised.
    """
    chosen = logits.argmax(axis=1)
    mean_f1 = sklearn_metrics.f1_score(labels, chosen, labels=np.unique(labels), average="macro")
    return float(mean_f1)


@SCORES.register("val_top5_accuracy")
def top5_accuracy(logits: Logits, labels: Labels) -> float:
    """Return the share of images whose class is among the five most likely."""
    classes = range(logits.shape[1])
    return float(sklearn_metrics.top_k_accuracy_score(labels, logits, k=_TOP, labels=classes))


@SCORES.register("val_auroc")
def auroc(logits: Logits, labels: Labels) -> float:
    """Return the area under the ROC curve of the second of two classes."""
    # the difference of two logits orders images as the probability does, without rounding to 1
    return float(sklearn_metrics.roc_auc_score(labels, logits[:, 1] - logits[:, 0]))


SCORES.add("val_ece", expected_calibration_error)
