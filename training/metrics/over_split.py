"""The loss, metrics and logits of a model over a split."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from ..machine.precision import Precision
from ..metric_names import ExtraMetric

Batches = Iterable[tuple[Tensor, Tensor]]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The loss, accuracy and further metrics of a model on a split.

    `loss` is the mean cross-entropy in nats (without label smoothing, so that trials compare), `accuracy` in [0, 1],
    `count` the images. `scores` are further metrics by name, none where the loss is not finite.
    """

    loss: float
    accuracy: float
    count: int
    scores: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Predictions:
    """Logits [N, classes] float32 and labels [N] int64 of a split.

    On the CPU, in the order of the split.
    """

    logits: Tensor
    labels: Tensor

    def with_more(self, others: Self) -> Self:
        """Return these predictions, and those of other images after them."""
        return replace(
            self, logits=torch.cat([self.logits, others.logits]), labels=torch.cat([self.labels, others.labels])
        )


def evaluate(
    model: nn.Module, batches: Batches, precision: Precision, wanted: Sequence[ExtraMetric] = ()
) -> Evaluation:
    """Measure loss, accuracy and the `wanted` metrics of `model` over `batches`.

    In evaluation mode; at least one batch.
    """
    loss = torch.zeros((), device=precision.device)
    correct = torch.zeros((), dtype=torch.int64, device=precision.device)
    # Sums stay on the device: a .item() per batch would wait for it every time.
    pairs: list[tuple[Tensor, Tensor]] = []
    count = 0
    for logits, labels in _forward(model, batches, precision):
        loss += cross_entropy(logits, labels, reduction="sum")
        correct += (logits.argmax(dim=1) == labels).sum()
        count += len(labels)
        if wanted:
            pairs.append((logits, labels))
    mean = loss.item() / count  # the only wait for the device
    scores = _measure(wanted, pairs) if wanted and math.isfinite(mean) else {}
    return Evaluation(mean, correct.item() / count, count, scores)


def predict(model: nn.Module, batches: Batches, precision: Precision) -> Predictions:
    """Return every logit of `model` in evaluation mode over `batches`.

    There must be at least one batch.
    """
    return _joined(list(_forward(model, batches, precision)))


def _measure(wanted: Sequence[ExtraMetric], pairs: list[tuple[Tensor, Tensor]]) -> Mapping[str, float]:
    from .scores import measure  # scikit-learn takes a second to import, which most trainings do not need

    predictions = _joined(pairs)
    return measure(wanted, predictions.logits.numpy(), predictions.labels.numpy())


def _joined(pairs: list[tuple[Tensor, Tensor]]) -> Predictions:
    return Predictions(
        torch.cat([logits for logits, _ in pairs]).cpu(), torch.cat([labels for _, labels in pairs]).cpu()
    )


@torch.inference_mode()
def _forward(model: nn.Module, batches: Batches, precision: Precision) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield logits float32 [B, classes] and labels [B] by batch.

    The model is left in the mode it came in.
    """
    was_training = model.training
    model.eval()
    try:
        for images, labels in batches:
            with precision.autocast():
                logits = model(images)
            # float32 before the softmax: in fp16 the loss of a confident mistake overflows
            yield logits.float(), labels
    finally:
        model.train(was_training)
