"""From the result of a training to the outcome of its trial."""

from dataclasses import asdict
from typing import Any

from ...studies import attributes
from ...studies.book.terms import TrialOutcome
from ...training.config import ObjectiveConfig, Worth
from ...training.report import Status, TrainResult

# the configuration was at fault: the sampler must learn to avoid it, see Book.finish
UNUSABLE = {Status.DIVERGED, Status.OUT_OF_MEMORY, Status.TIMED_OUT}


def outcome_of(result: TrainResult, objective: ObjectiveConfig) -> TrialOutcome:
    """The outcome of a training, and what it is worth to `objective`."""
    worth = _worth(result, objective)
    value = None if worth is None else worth.value
    return TrialOutcome(
        value=value,
        complete=result.status is Status.FINISHED and value is not None,
        usable=result.status not in UNUSABLE and (value is not None or result.status is Status.VIOLATED),
        notes=_notes(result),
        others=() if worth is None else worth.others,
        excesses=result.excesses,
    )


def _worth(result: TrainResult, objective: ObjectiveConfig) -> Worth | None:
    """What a training is worth; with folds the mean over those that have ended, as it was reported."""
    if not result.history or not result.history[-1].fold:
        return objective.worth(result.history)
    last = next((report for report in reversed(result.history) if report.ends_fold), None)
    return None if last is None or last.worth is None else Worth(last.worth, last.epoch, last.others)


def duration_note(result: TrainResult) -> dict[str, Any]:
    """The seconds of a training as an attribute of its trial, over all interruptions; none before the first epoch."""
    return {attributes.DURATION_S: round(result.history[-1].elapsed_s, 3)} if result.history else {}


def _notes(result: TrainResult) -> dict[str, Any]:
    notes: dict[str, Any] = {attributes.STATUS: result.status.value}
    if result.message:
        notes[attributes.MESSAGE] = result.message
    if result.verdict is not None:
        notes[attributes.VERDICT] = asdict(result.verdict)
    notes |= duration_note(result)
    if result.lr_factors:
        notes[attributes.LR_FACTORS] = list(result.lr_factors)
    if result.best is not None:
        notes[attributes.BEST_EPOCH] = result.best.epoch
        notes[attributes.METRICS] = dict(result.best.metrics)
    return notes
