"""One finite number per class from the model, for these images.

The other checks rest on this.
"""

import torch

from ...machine.memory import is_out_of_memory
from ...machine.seeding import seeded
from ...models.config import CustomModel
from ...models.custom import describe_error
from ...models.source import split_name
from ..finding import Cause, Checked, Finding, problem
from ..registry import register_check
from ..subject import Subject


@register_check("output", "What the model answers", needs_model=False)
def check(subject: Subject) -> Checked:
    """Check one forward pass in training mode over training images."""
    learner = subject.learner()
    images, _ = subject.batch(min(subject.config.data.batch_size, 64))
    classes = len(subject.pack.class_names)
    learner.model.train()
    try:
        with seeded(subject.config.seed, 1, subject.device), torch.no_grad(), learner.precision.autocast():
            logits = learner.model(images)
    except Exception as error:
        if is_out_of_memory(error):
            raise
        reason = _describe(subject, error)
        return Checked("The model cannot be run.", [_broken(f"the model fails on these images: {reason}", "mend it")])
    shape = list(logits.shape) if isinstance(logits, torch.Tensor) else type(logits).__name__
    wanted = [len(images), classes]
    if shape != wanted:
        text = f"the model must answer {len(images)} images with {wanted}, one number per class, but it gives {shape}"
        advice = f"give its last layer num_classes ({classes}) outputs, from the argument of that name"
        return Checked("The model answers in the wrong shape.", [_broken(text, advice)], {"shape": shape})
    return _finite(logits.float(), classes)


def _broken(text: str, advice: str) -> Finding:
    return problem(Cause.MODEL, text, advice)


def _finite(logits: torch.Tensor, classes: int) -> Checked:
    numbers = {"classes": classes, "std": logits.std().item()}
    if not bool(logits.isfinite().all()):
        text = "the model answers with numbers that are NaN or infinite before any training"
        return Checked("The answers are no numbers.", [_broken(text, "look for a division by zero or a log of zero")])
    return Checked(f"One finite number for each of {classes} classes.", (), numbers)


def _describe(subject: Subject, error: Exception) -> str:
    model = subject.config.model
    if isinstance(model, CustomModel):
        return describe_error(error, split_name(model.name)[0])
    return str(error).strip().splitlines()[0]
