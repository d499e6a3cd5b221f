"""The calls to MLflow that the shipper makes, all repeatable.

Read in MLflow 3.17: its SQL store drops a metric row that equals one it has in run, key, value, step and time
(`SqlAlchemyStore._log_metrics_once`), accepts a param again with the same value, and overwrites tags and status. Only
creating a run is not repeatable; so each run carries a tag of its own, by which it is looked for where it may exist.
"""

import re
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from getpass import getuser
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

from ....common.filesystems import remote_file_system
from ....common.private import make_private_file, make_private_folder
from ....common.sqlite_url import sqlite_file
from ...home import Home
from .mlflow_scope import mlflow_scope

LOCK_S = 20  # another process may be writing, or migrating a fresh file, which takes some 10 s

UID_TAG = "hpo.uid"
"""Marks a run as the one of a certain study or trial, over all homes and machines."""

RUN_STATUS = {
    "COMPLETE": "FINISHED",
    "PRUNED": "KILLED",
    "FAIL": "FAILED",
    "FINISHED": "FINISHED",
    "INTERRUPTED": "KILLED",
    "FAILED": "FAILED",
    "RUNNING": "RUNNING",
}

# characters: the limits of MLflow 3.17 (`mlflow.utils.validation`), which refuses longer ones
_KEY_LIMIT, _PARAM_LIMIT, _TAG_LIMIT = 250, 6000, 8000


class MetricRow(NamedTuple):
    """One value of one metric of a run."""

    key: str
    value: float
    time_ms: int
    step: int


class RunRef(NamedTuple):
    """The id of a run and the address of its files."""

    run_id: str
    artifact_uri: str


class MlflowStore:
    """An open tracking store.

    Opening a fresh SQLite file takes some 10 s of migrations.

    Raises (here and in every method): whatever MLflow raises, mostly MlflowException.
    """

    def __init__(self, uri: str, home: Home) -> None:
        """Open the store at `uri`.

        Where that is a database, files of new experiments go to the artifacts of `home`.
        """
        with mlflow_scope():
            from mlflow import MlflowClient

            make_private(uri)
            if (file := sqlite_file(uri)) and not remote_file_system(file):  # the log cannot be shared over a network
                _write_ahead(file)
            self._uri, self._home = uri, home
            self._client = MlflowClient(tracking_uri=uri, registry_uri=uri)

    def experiment(self, name: str) -> str:
        """Return the id of experiment `name`, made or restored if needed."""
        experiment = self._client.get_experiment_by_name(name)
        if experiment is None:
            folder = None if is_server(self._uri) else self._home.artifacts / self._home.study(name).name
            return str(self._client.create_experiment(name, artifact_location=folder and folder.as_uri()))
        if experiment.lifecycle_stage == "deleted":
            self._client.restore_experiment(experiment.experiment_id)
        return str(experiment.experiment_id)

    def find(self, experiment: str, uid: str) -> RunRef | None:
        """Return the run tagged `uid`, or None."""
        runs = self._search(experiment, uid)
        return runs[0] if runs else None

    def delete_others(self, experiment: str, uid: str, keep: str) -> None:
        """Delete every run tagged `uid` but `keep`.

        A server may carry out a request that timed out, and so make a run twice.
        """
        for run in self._search(experiment, uid):
            if run.run_id != keep:
                self._client.delete_run(run.run_id)

    def _search(self, experiment: str, uid: str) -> list[RunRef]:
        runs = self._client.search_runs([experiment], f"tags.`{UID_TAG}` = '{uid}'")
        return [RunRef(run.info.run_id, str(run.info.artifact_uri)) for run in runs]

    def create(self, experiment: str, name: str, start_ms: int, tags: Mapping[str, Any]) -> RunRef:
        """Make a run that is RUNNING since `start_ms`."""
        own = {"mlflow.user": _user(), "mlflow.source.name": "hpo", "mlflow.source.type": "LOCAL"}
        run = self._client.create_run(experiment, start_ms, {**own, **clean_tags(tags)}, name)
        return RunRef(run.info.run_id, str(run.info.artifact_uri))

    def log(
        self, run_id: str, metrics: Sequence[MetricRow], params: Mapping[str, Any], tags: Mapping[str, Any]
    ) -> None:
        """Add metrics, params and tags to a run in one call.

        MLflow splits it above 1,000 metrics.
        """
        from mlflow.entities import Metric, Param, RunTag

        self._client.log_batch(
            run_id,
            [Metric(_key(row.key), row.value, row.time_ms, row.step) for row in metrics],
            [Param(_key(key), _text(value, _PARAM_LIMIT)) for key, value in params.items()],
            [RunTag(key, value) for key, value in clean_tags(tags).items()],
        )

    def set_status(self, run_id: str, status: str, end_ms: int) -> None:
        """Set the status of a run: RUNNING, FINISHED, KILLED or FAILED.

        All but RUNNING end the run at `end_ms`.
        """
        if status == "RUNNING":
            self._client.update_run(run_id, status)
        else:
            self._client.set_terminated(run_id, status, end_ms)

    def outside(self, run: RunRef) -> str:
        """Return why `run` may not get files, "" if it may.

        The home's own store says where they go, and may be somebody else's, as the home may be.
        """
        url = urlsplit(run.artifact_uri)
        if self._uri != self._home.tracking_uri or url.scheme not in ("", "file"):
            return ""
        folder = Path(unquote(url.path))
        return "" if self._home.contains(folder) else f"its run keeps files in {folder}, outside of {self._home.root}"

    def add_file(self, run: RunRef, path: Path) -> None:
        """Copy a file, or a directory with its name, to `run`."""
        from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

        # not `client.log_artifact`, which asks the store for the address that `run` has
        repository = get_artifact_repository(run.artifact_uri, tracking_uri=self._uri)
        if path.is_dir():
            repository.log_artifacts(str(path), path.name)
        else:
            repository.log_artifact(str(path))


def is_server(uri: str) -> bool:
    """Tell whether a store is a server's, which decides itself who comes in and where files go."""
    return uri.startswith(("http://", "https://", "databricks"))


def make_private(uri: str) -> None:
    """Create the SQLite file of the store at `uri`, private to its owner.

    Nothing happens where it exists or the store is no file. MLflow itself would make it readable by all users.
    """
    if file := sqlite_file(uri):
        make_private_folder(file.parent)
        make_private_file(file)


def clean_tags(tags: Mapping[str, Any]) -> dict[str, str]:
    """Return tags as MLflow accepts them."""
    return {_key(key): _text(value, _TAG_LIMIT) for key, value in tags.items()}


def _key(key: str) -> str:
    return re.sub(r"[^\w\-. :/]", "_", key)[:_KEY_LIMIT]


def _text(value: Any, limit: int) -> str:
    return str(value)[:limit]


def _user() -> str:
    try:
        return getuser()
    except (OSError, KeyError):  # a container whose user has no name
        return "unknown"


def _write_ahead(path: Path) -> None:
    """Set write-ahead logging.

    Without it an open MLflow UI and the shipper lock each other out.
    """
    with closing(sqlite3.connect(path, timeout=LOCK_S)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
