"""The address of a study's page in optuna-dashboard and in MLflow."""

import json
import urllib.request
from contextlib import suppress
from http.client import HTTPException
from typing import Any
from urllib.parse import urlencode

from optuna.storages import BaseStorage

from ..records.lookup import study_id
from ..tracking.mlflow.mlflow_scope import call_mlflow

# the browser opens all the same without an answer: a server elsewhere must not hold `hpo ui` up, nor fill its memory
_ANSWER_S, _ANSWER_BYTES = 5, 2**20
_RUNS = "runs?workflowType=machine_learning"  # else MLflow 3 opens what it has for language models, without the runs
_FIND = "api/2.0/mlflow/experiments/get-by-name"


def dashboard_page(storage: BaseStorage, study: str) -> str:
    """Return the path of `study` in optuna-dashboard.

    Raises:
        StudyError: no such study.
    """
    return f"dashboard/studies/{study_id(storage, study)}"


def experiment_page(server: str, study: str, token: str) -> str:
    """Return the URL fragment of a study's experiment on an MLflow server of ours.

    "" where it has no such experiment, or gives no answer.

    Args:
        server: its address, ending in a slash.
        study: the name of the study, and of the experiment.
        token: without which it lets nobody in.
    """
    request = urllib.request.Request(
        f"{server}{_FIND}?{urlencode({'experiment_name': study})}", headers={"Authorization": f"Bearer {token}"}
    )
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # no proxy stands before this machine
    try:
        with direct.open(request, timeout=_ANSWER_S) as answer:
            experiment = json.loads(answer.read(_ANSWER_BYTES))["experiment"]
        return _page(experiment["experiment_id"], experiment.get("lifecycle_stage"))
    except (OSError, HTTPException, ValueError, KeyError, TypeError):
        return ""


def experiment_elsewhere(uri: str, study: str) -> str:
    """Return the same of a server elsewhere, which MLflow's client asks with the user's credentials."""
    with suppress(Exception):  # whatever its client raises: the page opens all the same
        if experiment := call_mlflow(lambda: _experiment(uri, study), request_timeout_s=_ANSWER_S):
            return _page(experiment.experiment_id, experiment.lifecycle_stage)
    return ""


def _experiment(uri: str, study: str) -> Any:
    from mlflow import MlflowClient

    return MlflowClient(uri, uri).get_experiment_by_name(study)


def _page(experiment: str, stage: str | None) -> str:
    return f"#/experiments/{experiment}/{_RUNS}" if stage == "active" else ""
