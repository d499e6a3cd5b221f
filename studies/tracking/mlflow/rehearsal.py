"""Asking a tracking server, before hours are spent, whether it will take a study.

What a user has to mend is told at once: a password, a package for the store of files. A server that is away is not
waited for, as the spool keeps everything until it is back.
"""

from threading import Thread
from typing import Any

from ....common.masking import masked
from ....errors import StudyError
from .answers import is_absence, is_answer, is_refusal, reason
from .mlflow_scope import mlflow_scope
from .mlflow_store import is_server
from .stores import Stores

WAIT_S = 20.0
"""How long a command waits for the answer, beside the time of its own preparation.

MLflow's client is imported in 1 to 5 s, and gives a server up after 10 s.
"""


_PACKAGES = {
    "s3": "boto3",
    "gs": "google-cloud-storage",
    "wasbs": "azure-storage-blob",
    "abfss": "azure-storage-file-datalake",
}
"""What MLflow's client needs for a store of files, by the scheme of its address; none of it comes with MLflow."""

_WITHOUT = "--tracking-uri none leaves MLflow out"


class Rehearsal:
    """What a tracking server says to a study, asked in a thread while a command prepares its work.

    Files in the home and databases are not asked: they know no users, and a fresh one takes its time.
    """

    def __init__(self, stores: Stores | None, study: str) -> None:
        self._refusal: StudyError | None = None
        self._thread: Thread | None = None
        if stores is not None and is_server(stores.tracking):
            self._thread = Thread(target=self._ask, args=(stores.tracking, study), name="mlflow rehearsal", daemon=True)
            self._thread.start()

    def check(self) -> None:
        """Wait for the answer, for WAIT_S at most.

        Raises:
            StudyError: the server does not let the user in, or files cannot be sent to where it wants them.
        """
        if self._thread is not None:
            self._thread.join(WAIT_S)
        if self._refusal is not None:
            raise self._refusal

    def _ask(self, uri: str, study: str) -> None:
        try:
            with mlflow_scope():
                self._refusal = _refusal_of_files(uri, _files(uri, study))
        except Exception as error:  # MLflow's own, those of requests and of plugins
            if is_refusal(error):
                self._refusal = StudyError(
                    f"MLflow at {masked(uri)} does not let you in: its user or password is another\n"
                    "  MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN, say who you "
                    f"are; {_WITHOUT}"
                )


def _files(uri: str, study: str) -> str:
    """Return where the server keeps the files of `study`; of one it does not know, those of its first experiment."""
    from mlflow import MlflowClient

    client = MlflowClient(uri, uri)
    experiment = client.get_experiment_by_name(study) or client.get_experiment("0")
    return str(experiment.artifact_location)


def _refusal_of_files(uri: str, location: str) -> StudyError | None:
    """Look into the store of files, which a client reaches itself unless the server passes files on."""
    if location.startswith("mlflow-artifacts:"):
        return None
    try:
        _look_into(location, uri)
    except Exception as error:  # of the store's package
        if not is_absence(error) and not is_answer(error):
            return StudyError(
                f"MLflow at {masked(uri)} has files sent to {masked(location)}, which this machine cannot: "
                f"{reason(error)}\n"
                f"  {_mend(error, location)}, or have the server pass them on (its --artifacts-destination); {_WITHOUT}"
            )
    return None


def _look_into(location: str, uri: str) -> Any:
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

    return get_artifact_repository(location, tracking_uri=uri).list_artifacts()


def _mend(error: Exception, location: str) -> str:
    package = _PACKAGES.get(location.partition(":")[0])
    return f"pip install {package}" if isinstance(error, ImportError) and package else "set what it lacks"
