"""An evaluation where the search is kept: its pictures on the Optuna trial, its numbers on the MLflow run."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from ....errors import StudyError
from ....studies import attributes
from ....studies.artifacts import attach
from ....studies.home import Home
from ....studies.records.summarise import summarise
from ....studies.store.storage import open_existing
from ....studies.tracking.mlflow.evaluations import log_evaluation
from ....studies.tracking.mlflow.stores import Stores, choose_stores, kept_stores
from ....studies.tracking.mlflow_tracker import ship_pending
from ....training.trained.folder import Trained

if TYPE_CHECKING:
    from ....training.evaluation.evaluation import EvaluationReport

_NUMBERS = ("accuracy", "balanced_accuracy", "macro_f1", "top5_accuracy", "auroc", "nll", "ece", "ece_uncalibrated")


def record(
    report: "EvaluationReport",
    key: str,
    known: Trained,
    folder: Path,
    home: Home,
    storage: str | None,
    tracking_uri: str | None,
    note: Callable[[str], None],
) -> tuple[str, ...]:
    """Attach the files in `folder` to the trial that `known` is the winner of, and log its metrics in MLflow.

    Returns:
        What could not be done and why, a line each; a run of `hpo train` belongs to no study, so there is nothing.
    """
    if known.study is None or known.trial is None:
        return ()
    failed: list[str] = []
    try:
        _attach(known, known.study, known.trial, key, folder, home, storage)
    except StudyError as error:
        failed.append(f"not attached to the trial: {error}")
    values = {name: getattr(report.metrics, name) for name in _NUMBERS}
    low, high = report.metrics.interval
    metrics = {f"{key}_{name}": float(value) for name, value in values.items() if value is not None}
    metrics |= {f"{key}_accuracy_low": low, f"{key}_accuracy_high": high}
    try:
        stores = _stores(tracking_uri, home, known.study, note)
        if stores is not None:
            uri, version = stores.tracking, report.model_version
            ship_pending(home, known.study, uri, note)
            log_evaluation(home, uri, known.study, version=version, key=key, metrics=metrics, folder=folder)
    except StudyError as error:
        failed.append(f"not in MLflow: {error}")
    return tuple(failed)


def _stores(tracking_uri: str | None, home: Home, study: str, note: Callable[[str], None]) -> Stores | None:
    """Where the study goes; None where it never went anywhere, and nothing was asked for."""
    if tracking_uri is None and kept_stores(home, study) is None and not (home.root / "mlflow.db").exists():
        return None
    return choose_stores(tracking_uri, home, study, note)


def _attach(known: Trained, study: str, trial: int, key: str, folder: Path, home: Home, storage: str | None) -> None:
    store = open_existing(storage, home)
    summary = summarise(store, study)
    if summary.attributes.get(attributes.DATA_FINGERPRINT) != known.fingerprint:
        raise StudyError(f"the study {study} in {home.root} was run on other data than this model")
    summary.trial(trial)
    attach(store, study, trial, {f"{key}-{path.name}": path for path in sorted(folder.iterdir())}, home.attachments)
