"""Evaluation of a trained model on labelled images."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy.special import softmax

from ...errors import DataError, TrainingError
from ..data.pack import Skipped
from ..metrics.confidence import Labels, Logits
from ..trained.model import TrainedModel
from .metrics import Metrics, measure
from .reliability import Bin, reliability
from .subject import Subject
from .temperature import scaled

Progress = Callable[[str, int, int], None]

MISTAKES = 48  # listed and shown, the most confident first: as many as a page shows in a few rows
_BATCH = 256  # images per forward pass


class UnusableAnswersError(TrainingError):
    """Answers of a model that are no numbers."""

    exit_code = 1


@dataclass(frozen=True, slots=True)
class Mistake:
    """An image that was answered wrong, both classes, and the confidence."""

    row: int
    name: str
    true: str
    answered: str
    confidence: float


@dataclass(frozen=True, slots=True)
class EvaluationReport:
    """A model's result on labelled images.

    `metrics` and confidences are of the calibrated probabilities.

    `title` names the images; `test_opening` is which opening of the study's or home's test split this was, None for
    other images; `skipped` are files that could not be read and count for nothing.
    """

    model: str
    kind: str
    model_version: str
    study: str | None
    trial: int | None
    title: str
    source: str
    split: str | None
    test_opening: int | None
    class_names: tuple[str, ...]
    temperature: float
    calibrated: bool
    metrics: Metrics
    reliability: tuple[Bin, ...]
    reliability_uncalibrated: tuple[Bin, ...]
    mistakes: tuple[Mistake, ...]
    skipped: tuple[Skipped, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the object that `hpo evaluate --json` prints.

        The metrics stand beside what they are of; classes by name.
        """
        whole = asdict(self)
        metrics = whole.pop("metrics")
        metrics["per_class"] = {scores.pop("name"): scores for scores in metrics["per_class"]}
        return {**whole, **metrics}


def evaluate_model(model: TrainedModel, subject: Subject, split: str | None, progress: Progress) -> EvaluationReport:
    """Evaluate `model` on all images of `subject`.

    `split` names the split that it is, None for new data.

    Raises:
        DataError: no image can be read.
        UnusableAnswersError: the model's answers are not numbers.
    """
    logits, rows, skipped = _answers(model, subject, progress)
    labels, description = subject.labels[rows], model.trained
    return EvaluationReport(
        model=str(description.path),
        kind=description.kind,
        model_version=model.version,
        study=description.study,
        trial=description.trial,
        title=subject.title,
        source=subject.source,
        split=split,
        test_opening=subject.opening,
        class_names=description.class_names,
        temperature=description.temperature,
        calibrated=description.calibration is not None,
        metrics=measure(logits, labels, description.class_names, description.temperature),
        reliability=reliability(scaled(logits, description.temperature), labels),
        reliability_uncalibrated=reliability(logits, labels),
        mistakes=_mistakes(model, subject, logits, labels, rows),
        skipped=skipped,
    )


def _answers(model: TrainedModel, subject: Subject, progress: Progress) -> tuple[Logits, Labels, tuple[Skipped, ...]]:
    """Return logits [N, classes] and rows [N] of readable images, and the rest.

    The rest are the files that cannot be read.
    """
    logits: list[Logits] = []
    rows: list[Labels] = []
    skipped = list(subject.skipped)
    done, total = 0, len(subject.labels)
    for chunk in subject.chunks():
        for start in range(0, len(chunk.images), _BATCH):
            logits.append(model.logits(chunk.images[start : start + _BATCH]))
        rows.append(chunk.rows)
        skipped.extend(chunk.skipped)
        done += len(chunk.rows) + len(chunk.skipped)
        progress("evaluate", done, total)
    if not logits:
        reason = f"; {skipped[0].path}: {skipped[0].reason}" if skipped else ""
        raise DataError(f"data: {subject.source}: no image is readable{reason}")
    all_logits = np.concatenate(logits)
    if not np.isfinite(all_logits).all():
        raise UnusableAnswersError(f"{model.trained.path}: the model's answers must be numbers, got NaN or infinity")
    return all_logits, np.concatenate(rows), tuple(skipped)


def _mistakes(
    model: TrainedModel, subject: Subject, logits: Logits, labels: Labels, rows: Labels
) -> tuple[Mistake, ...]:
    shares = softmax(scaled(logits, model.trained.temperature), axis=1)
    # dividing by a temperature changes no answer, only its confidence
    chosen, confidence = logits.argmax(axis=1), shares.max(axis=1)
    wrong = np.flatnonzero(chosen != labels)
    wrong = wrong[np.argsort(-confidence[wrong], kind="stable")][:MISTAKES]
    names = subject.names([int(rows[position]) for position in wrong])
    classes = model.trained.class_names
    return tuple(
        Mistake(
            int(rows[position]), name, classes[labels[position]], classes[chosen[position]], float(confidence[position])
        )
        for position, name in zip(wrong, names, strict=True)
    )
