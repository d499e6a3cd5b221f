"""Logging an evaluation to MLflow: on the model's run, else the study's."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ....common.masking import masked
from ....errors import StudyError
from ...home import Home
from .answers import reason
from .mlflow_scope import call_mlflow
from .mlflow_store import UID_TAG, make_private
from .spool import read_events, spool_path


def log_evaluation(
    home: Home, uri: str, study: str, *, version: str, key: str, metrics: Mapping[str, float], folder: Path
) -> str:
    """Log `metrics`, and the files in `folder` as `evaluation/<key>`.

    Args:
        home: where the study is kept.
        uri: the MLflow tracking URI.
        study: its name.
        version: of the model, as it was registered.
        key: a name for what the model was evaluated on.
        metrics: by the names they get in MLflow.
        folder: of the evaluation.

    Returns:
        The id of the run that has them.

    Raises:
        StudyError: MLflow does not answer, or knows neither the model nor the study.
    """
    try:
        run = call_mlflow(
            # a user waits for this one call, so it may take longer than a shipment in the background
            lambda: _log(home, uri, study, version, key, metrics, folder),
            request_timeout_s=30,
            retries=1,
        )
    except Exception as error:  # MLflow raises its own, those of its drivers, and requests'
        raise StudyError(f"MLflow at {masked(uri)} did not take the evaluation: {reason(error)}") from error
    if run is None:
        raise StudyError(f"MLflow at {masked(uri)} knows neither this model nor the study {study}")
    return run


def _log(
    home: Home, uri: str, study: str, version: str, key: str, metrics: Mapping[str, float], folder: Path
) -> str | None:
    from mlflow import MlflowClient

    make_private(uri)
    client = MlflowClient(uri, uri)
    run = _run(client, home, study, version)
    if run is not None:
        for name, value in metrics.items():
            client.log_metric(run, name, value)
        client.log_artifacts(run, str(folder), f"evaluation/{key}")
    return run


def _run(client: Any, home: Home, study: str, version: str) -> str | None:
    """Return the newest run of model `version`, else that of the study."""
    experiment = client.get_experiment_by_name(study)
    if experiment is None:
        return None
    filters = [f"tags.model_version = '{version}'"]
    events, _ = read_events(spool_path(home, study, None), 0)
    filters += [f"tags.`{UID_TAG}` = '{event.facts['uid']}'" for event in events if event.kind == "study"][:1]
    for text in filters:
        runs = client.search_runs([experiment.experiment_id], text, order_by=["attributes.start_time DESC"])
        if runs:
            return str(runs[0].info.run_id)
    return None
