"""The address of a study's page in optuna-dashboard and in MLflow."""

import json
import urllib.request
from http.client import HTTPException
from urllib.parse import urlencode

from optuna.storages import BaseStorage

from ..records.lookup import study_id

# the browser opens all the same without an answer: a server elsewhere must not hold `hpo ui` up, nor fill its memory
_ANSWER_S, _ANSWER_BYTES = 5.0, 2**20
_RUNS = "runs?workflowType=machine_learning"  # else MLflow 3 opens what it has for language models, without the runs
_FIND = "api/2.0/mlflow/experiments/get-by-name"


def dashboard_page(storage: BaseStorage, study: str) -> str:
    """Return the path of `study` in optuna-dashboard.

    Raises:
        StudyError: no such study.
    """
    return f"dashboard/studies/{study_id(storage, study)}"


def experiment_page(server: str, study: str, token: str | None = None) -> str:
    """Return the URL fragment of a study's experiment on an MLflow server.

    "" where the server has no such experiment, or gives no answer: it may be elsewhere, and ask for a password that we
    do not know.

    Args:
        server: its address, ending in a slash.
        study: the name of the study, and of the experiment.
        token: of our own server, which lets nobody in without it.
    """
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    request = urllib.request.Request(f"{server}{_FIND}?{urlencode({'experiment_name': study})}", headers=headers)
    own = [urllib.request.ProxyHandler({})] if token else []  # on this machine, which no proxy stands before
    try:
        with urllib.request.build_opener(*own).open(request, timeout=_ANSWER_S) as answer:
            experiment = json.loads(answer.read(_ANSWER_BYTES))["experiment"]
    except (OSError, HTTPException, ValueError, KeyError, TypeError):
        return ""
    is_active = experiment.get("lifecycle_stage") == "active"
    return f"#/experiments/{experiment['experiment_id']}/{_RUNS}" if is_active else ""
