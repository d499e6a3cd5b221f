"""A model over a split: loss and accuracy, or every logit."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from .precision import Precision

Batches = Iterable[tuple[Tensor, Tensor]]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Mean cross-entropy in nats (without label smoothing, so that trials compare), accuracy in [0, 1], images seen."""

    loss: float
    accuracy: float
    count: int


@dataclass(frozen=True, slots=True)
class Predictions:
    """Logits [N, classes] (float32) and labels [N] (int64), on the CPU, in the order of the split."""

    logits: Tensor
    labels: Tensor


def evaluate(model: nn.Module, batches: Batches, precision: Precision) -> Evaluation:
    """Loss and accuracy of `model` in evaluation mode over all `batches`, of which there must be one."""
    loss = torch.zeros((), device=precision.device)
    correct = torch.zeros((), dtype=torch.int64, device=precision.device)
    count = 0
    for logits, labels in _forward(model, batches, precision):
        loss += cross_entropy(logits, labels, reduction="sum")
        correct += (logits.argmax(dim=1) == labels).sum()
        count += len(labels)
    return Evaluation(loss.item() / count, correct.item() / count, count)  # the only wait for the device


def predict(model: nn.Module, batches: Batches, precision: Precision) -> Predictions:
    """Every logit of `model` in evaluation mode over all `batches`, of which there must be one."""
    pairs = list(_forward(model, batches, precision))
    return Predictions(
        torch.cat([logits for logits, _ in pairs]).cpu(), torch.cat([labels for _, labels in pairs]).cpu()
    )


@torch.inference_mode()
def _forward(model: nn.Module, batches: Batches, precision: Precision) -> Iterator[tuple[Tensor, Tensor]]:
    """(logits float32, labels) per batch; the model is left in the mode it came in."""
    was_training = model.training
    model.eval()
    try:
        for images, labels in batches:
            with precision.autocast():
                logits = model(images)
            yield logits.float(), labels
    finally:
        model.train(was_training)
