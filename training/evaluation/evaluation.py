"""A trained model on labelled images: measured, its confidence judged, its worst mistakes listed."""

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

MISTAKES = 48  # that are listed and shown, the most confident first
_BATCH = 256


class UnusableAnswersError(TrainingError):
    """A model gives answers that are no numbers."""

    exit_code = 1


@dataclass(frozen=True, slots=True)
class Mistake:
    """An image that was answered wrong: its row, its name, both classes, and how sure the model was of its answer."""

    row: int
    name: str
    true: str
    answered: str
    confidence: float


@dataclass(frozen=True, slots=True)
class EvaluationReport:
    """What a model reached on labelled images; `metrics` and confidences are of the calibrated probabilities.

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
        """The object that `hpo evaluate --json` prints: the metrics beside what they are of; classes by name."""
        whole = asdict(self)
        metrics = whole.pop("metrics")
        metrics["per_class"] = {scores.pop("name"): scores for scores in metrics["per_class"]}
        return {**whole, **metrics}


def evaluate_model(model: TrainedModel, subject: Subject, split: str | None, progress: Progress) -> EvaluationReport:
    """Evaluate `model` on all images of `subject`; `split` names the split that it is, None for new data.

    Raises:
        DataError: no image can be read.
        UnusableAnswersError: the model's answers are not numbers.
    """
    logits, rows, skipped = _answers(model, subject, progress)
    labels, known = subject.labels[rows], model.known
    return EvaluationReport(
        model=str(known.path),
        kind=known.kind,
        model_version=model.version,
        study=known.study,
        trial=known.trial,
        title=subject.title,
        source=subject.source,
        split=split,
        test_opening=subject.opening,
        class_names=known.class_names,
        temperature=known.temperature,
        calibrated=known.calibration is not None,
        metrics=measure(logits, labels, known.class_names, known.temperature),
        reliability=reliability(scaled(logits, known.temperature), labels),
        reliability_uncalibrated=reliability(logits, labels),
        mistakes=_mistakes(model, subject, logits, labels, rows),
        skipped=skipped,
    )


def _answers(model: TrainedModel, subject: Subject, progress: Progress) -> tuple[Logits, Labels, tuple[Skipped, ...]]:
    """Logits [N, classes] and rows [N] of every image that can be read, and what cannot."""
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
    every = np.concatenate(logits)
    if not np.isfinite(every).all():
        raise UnusableAnswersError(f"{model.known.path}: the model's answers must be numbers, got NaN or infinity")
    return every, np.concatenate(rows), tuple(skipped)


def _mistakes(
    model: TrainedModel, subject: Subject, logits: Logits, labels: Labels, rows: Labels
) -> tuple[Mistake, ...]:
    shares = softmax(scaled(logits, model.known.temperature), axis=1)
    chosen, confidence = logits.argmax(axis=1), shares.max(axis=1)
    wrong = np.flatnonzero(chosen != labels)
    wrong = wrong[np.argsort(-confidence[wrong], kind="stable")][:MISTAKES]
    names = subject.names([int(rows[place]) for place in wrong])
    classes = model.known.class_names
    return tuple(
        Mistake(int(rows[place]), name, classes[labels[place]], classes[chosen[place]], float(confidence[place]))
        for place, name in zip(wrong, names, strict=True)
    )
