"""Verification of an exported file against the trained model's answers.

On real images.
"""

from dataclasses import dataclass

import numpy as np
import torch

from ...common.rounding import beside
from ...errors import ExportError
from ..data.batches import EvalBatches
from ..data.pack import Pack, Split
from ..machine.precision import Precision
from ..metrics.over_split import predict
from .classifier import Classifier
from .format_kind import Logits, Runtime
from .pixels import as_input

TOLERANCE = 1e-3  # of the largest logit, at least of 1: float32 sums in another order differ by some 1e-6
MIN_AGREEMENT = 0.999  # share of images with the same class: one of a thousand may be a tie that rounding decides
_BATCH = 32  # batch size that files are verified in
_SINGLES = 8  # images verified one by one: a graph that fixed its batch size fails there


@dataclass(frozen=True, slots=True)
class Agreement:
    """The agreement of an exported file with the trained model.

    `max_abs_diff` of the logits, `top1_agreement` the share of `images` with the same answer (one that the trained
    model rates as high as its own counts as the same), `tolerance` what `max_abs_diff` may be at most.
    """

    images: int
    max_abs_diff: float
    top1_agreement: float
    tolerance: float

    @property
    def holds(self) -> bool:
        """Whether the file may be used.

        A difference that is not a number does not hold.
        """
        return self.max_abs_diff <= self.tolerance and self.top1_agreement >= MIN_AGREEMENT

    def __str__(self) -> str:
        difference, most = beside(self.max_abs_diff, self.tolerance, ".1e")
        same, least = beside(self.top1_agreement, MIN_AGREEMENT, ".1%")
        return (
            f"logits differ by up to {difference} (at most {most} allowed), the same class in {same} (at least {least})"
        )


def reference_logits(classifier: Classifier, pack: Pack, split: Split) -> Logits:
    """Return the trained model's logits float32 [N, classes] on the CPU.

    As training evaluates it: normalised outside.
    """
    cpu = torch.device("cpu")
    batches = EvalBatches(split, mean=pack.mean, std=pack.std, batch_size=_BATCH, device=cpu)
    logits: Logits = predict(classifier.model, batches, Precision(cpu, torch.float32)).logits.numpy()
    return logits


def verify(name: str, run: Runtime, split: Split, reference: Logits) -> Agreement:
    """Verify an exported file on `split` against `reference`.

    In batches of 32 and a few images one by one.

    Args:
        name: of the file, for messages.
        run: the file loaded anew, see `Format.load`.
        split: N images, at least 1.
        reference: logits of the trained model, [N, classes].

    Raises:
        ExportError: it cannot be run, or its answers are not those of the model.
    """
    together, alone = answers(name, run, split)
    agreement = _check(name, "in batches of 32", together, reference)
    _check(name, "one by one", alone, reference[: len(alone)])
    return agreement


def answers(name: str, run: Runtime, split: Split) -> tuple[Logits, Logits]:
    """Return a file's logits, in batches of 32 and one by one.

    One by one for the first few images of `split`.

    Raises:
        ExportError: it cannot be run; the message begins with `name`.
    """
    images = as_input(split)
    singles = min(_SINGLES, len(images))
    batches = [images[start : start + _BATCH] for start in range(0, len(images), _BATCH)]
    try:
        together = np.concatenate([run(batch) for batch in batches])
        alone = np.concatenate([run(images[i : i + 1]) for i in range(singles)])
    except Exception as error:  # runtimes have exceptions of their own
        raise ExportError(f"{name}: cannot be run: {first_line(error)}") from error
    return together, alone


def first_line(error: Exception) -> str:
    """Return a foreign exception's text in one line."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]


def compare(logits: Logits, reference: Logits) -> Agreement:
    """Compare `logits` with `reference`, both [N, classes].

    Raises:
        ExportError: the shapes differ.
    """
    if logits.shape != reference.shape:
        raise ExportError(f"logits must be {list(reference.shape)} as the model's are, got {list(logits.shape)}")
    scale = max(1.0, float(np.abs(reference).max()))
    difference = float(np.abs(logits - reference).max())
    chosen = np.take_along_axis(reference, logits.argmax(axis=1, keepdims=True), axis=1)[:, 0]
    agreeing = chosen >= reference.max(axis=1) - 1e-6 * scale  # equal but for rounding is equal
    return Agreement(len(logits), difference, float(agreeing.mean()), TOLERANCE * scale)


def _check(name: str, how: str, logits: Logits, reference: Logits) -> Agreement:
    agreement = compare(logits, reference)
    if not agreement.holds:
        raise ExportError(
            f"{name}: does not give the model's answers {how} on {agreement.images} images:\n  {agreement}"
        )
    return agreement
