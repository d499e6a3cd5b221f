"""The validation metrics beyond loss and accuracy, each registered under its name; measured only where wanted."""

from collections.abc import Callable, Iterable, Mapping

import numpy as np
from sklearn import metrics as sklearn_metrics

from ..metric_names import ExtraMetric
from .confidence import Labels, Logits, expected_calibration_error

Score = Callable[[Logits, Labels], float]

SCORES: dict[ExtraMetric, Score] = {}

_TOP = 5


def score(name: ExtraMetric) -> Callable[[Score], Score]:
    """Register the decorated function as metric `name`.

    Raises:
        ValueError: the name is taken.
    """

    def register(function: Score) -> Score:
        if name in SCORES:
            raise ValueError(f"a metric called {name} is already registered")
        SCORES[name] = function
        return function

    return register


def measure(names: Iterable[ExtraMetric], logits: Logits, labels: Labels) -> Mapping[str, float]:
    """Each metric of `names` on logits float32 [N, classes] and labels int64 [N]."""
    return {name: float(SCORES[name](logits, labels)) for name in names}


@score("val_balanced_accuracy")
def balanced_accuracy(logits: Logits, labels: Labels) -> float:
    """The mean over classes of the share of their images that is recognised."""
    chosen = logits.argmax(axis=1)
    return float(sklearn_metrics.recall_score(labels, chosen, labels=np.unique(labels), average="macro"))


@score("val_macro_f1")
def macro_f1(logits: Logits, labels: Labels) -> float:
    """The mean F1 over the classes that occur in the labels; 0 for a class that is never recognised."""
    chosen = logits.argmax(axis=1)
    found = sklearn_metrics.f1_score(labels, chosen, labels=np.unique(labels), average="macro")
    return float(found)


@score("val_top5_accuracy")
def top5_accuracy(logits: Logits, labels: Labels) -> float:
    """The share of images whose class is among the five most likely."""
    classes = range(logits.shape[1])
    return float(sklearn_metrics.top_k_accuracy_score(labels, logits, k=_TOP, labels=classes))


@score("val_auroc")
def auroc(logits: Logits, labels: Labels) -> float:
    """The area under the ROC curve of the second of two classes."""
    return float(sklearn_metrics.roc_auc_score(labels, logits[:, 1] - logits[:, 0]))


score("val_ece")(expected_calibration_error)
