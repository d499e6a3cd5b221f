"""The loss before training, which should be a guess's: ln(classes)."""

from math import log

import torch
from torch.nn.functional import cross_entropy

from ...machine.seeding import seeded
from ..finding import Cause, Checked, Finding, problem, warning
from ..registry import register_check
from ..subject import Subject

_HIGH, _LOW = 1.5, 0.5  # times ln(classes), the loss of equal logits; those of a fresh model differ a little


@register_check("initial_loss", "Loss before any training")
def check(subject: Subject) -> Checked:
    """Check the mean cross-entropy of the fresh model on training images.

    In training mode.
    """
    learner = subject.learner()
    learner.model.train()
    total, count = 0.0, 0
    with seeded(subject.config.seed, 1, subject.device), torch.no_grad():
        for images, labels in subject.unchanged(subject.sample, subject.config.data.batch_size):
            if len(images) == 1 and count:  # batch normalisation needs two
                continue
            with learner.precision.autocast():
                logits = learner.model(images)
            total += cross_entropy(logits.float(), labels, reduction="sum").item()
            count += len(labels)
    loss, classes = total / count, len(subject.pack.class_names)
    guess = log(classes)
    summary = f"Before any training the loss is {loss:.3f}; that of a guess is ln({classes}) = {guess:.3f}."
    return Checked(summary, _findings(loss, guess), {"loss": loss, "ln_classes": guess})


def _findings(loss: float, guess: float) -> list[Finding]:
    if not loss <= _HIGH * guess:
        times = f"{loss / guess:.1f} times that of a guess"
        text = f"the model begins confidently wrong: its first loss is {loss:.3g}, {times}"
        advice = "start the last layer with small weights, normalise the inputs, check the initialisation"
        return [problem(Cause.MODEL, text, advice)]
    if loss < _LOW * guess:
        text = f"the model knows too much before any training: its first loss is {loss:.3g}"
        advice = "it was trained before, perhaps on these images; or the labels leak into the inputs"
        return [warning(Cause.HINT, text, advice)]
    return []
