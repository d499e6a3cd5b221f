"""The records of an evaluation where its search is kept.

Its pictures go on the Optuna trial, its numbers on the MLflow run.
"""

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

# what is compared between models; the files have the rest
_NUMBERS = ("accuracy", "balanced_accuracy", "macro_f1", "top5_accuracy", "auroc", "nll", "ece", "ece_uncalibrated")


def record(
    report: "EvaluationReport",
    key: str,
    trained: Trained,
    folder: Path,
    home: Home,
    storage: str | None,
    tracking_uri: str | None,
    note: Callable[[str], None],
) -> tuple[str, ...]:
    """Record an evaluation on the model's trial and in MLflow.

    The files in `folder` are attached to the trial that `trained` is the winner of; its metrics are logged in MLflow.

    Returns:
        What could not be done and why, a line each; a training of `hpo train` belongs to no study, so there is nothing.
    """
    if trained.study is None or trained.trial is None:
        return ()
    failed: list[str] = []  # each record by itself: one that fails keeps no other from being made
    try:
        _attach(trained, trained.study, trained.trial, key, folder, home, storage)
    except StudyError as error:
        failed.append(f"not attached to the trial: {error}")
    values = {name: getattr(report.metrics, name) for name in _NUMBERS}
    low, high = report.metrics.interval
    # by the evaluation's key: a model may have several, on test and on new images
    metrics = {f"{key}_{name}": float(value) for name, value in values.items() if value is not None}
    metrics |= {f"{key}_accuracy_low": low, f"{key}_accuracy_high": high}
    try:
        stores = _stores(tracking_uri, home, trained.study, note)
        if stores is not None:
            uri, version = stores.tracking, report.model_version
            ship_pending(home, trained.study, uri, note)  # what earlier commands left unsent goes first
            log_evaluation(home, uri, trained.study, version=version, key=key, metrics=metrics, folder=folder)
    except StudyError as error:
        failed.append(f"not in MLflow: {error}")
    return tuple(failed)


def _stores(tracking_uri: str | None, home: Home, study: str, note: Callable[[str], None]) -> Stores | None:
    """The stores that track the study.

    None where it was never tracked, and no URI is given.
    """
    if tracking_uri is None and kept_stores(home, study) is None and not (home.root / "mlflow.db").exists():
        return None
    return choose_stores(tracking_uri, home, study, note)


def _attach(trained: Trained, study: str, trial: int, key: str, folder: Path, home: Home, storage: str | None) -> None:
    """Attach the files in `folder` to the trial.

    A study of other data is refused: it is not the model's, for all its name.
    """
    store = open_existing(storage, home)
    summary = summarise(store, study)
    if summary.attributes.get(attributes.DATA_FINGERPRINT) != trained.fingerprint:
        raise StudyError(f"the study {study} in {home.root} was run on other data than this model")
    summary.trial(trial)
    attach(store, study, trial, {f"{key}-{path.name}": path for path in sorted(folder.iterdir())}, home.attachments)
