"""Registering an export in MLflow as the champion of its study.

The registered model takes image files or pixels. `mlflow.pyfunc.load_model("models:/<study>@champion")` and `mlflow
models serve` need MLflow, ONNX Runtime and Pillow then, and neither this package nor torch.

Everything goes through clients that are given their addresses. MLflow's functions of like names (`start_run`,
`log_model`, `register_model`) follow the active run, experiment and addresses of the process, which are the user's.
"""

import json
import re
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from ....common.private import make_private_folder
from ....common.sqlite_url import sqlite_file
from ....errors import StudyError
from ...home import Home
from .answers import reason
from .mlflow_scope import call_mlflow
from .mlflow_store import MlflowStore, RunRef, clean_tags, make_private
from .packed_model import Code, saved_model
from .spool import read_events, spool_path
from .stores import Stores

CHAMPION = "champion"


class Registered(NamedTuple):
    """A version of the registered model `name`, with its run and stores."""

    name: str
    version: int
    run_id: str
    stores: Stores

    @property
    def uri(self) -> str:
        """The address for `mlflow.pyfunc.load_model`."""
        return f"models:/{self.name}@{CHAMPION}"


def register_model(
    home: Home,
    stores: Stores,
    study: str,
    *,
    export_dir: Path,
    code: Code,
    example: Sequence[bytes],
    tags: Mapping[str, Any],
    metrics: Mapping[str, float],
    table: Mapping[str, list[Any]] | None = None,
) -> Registered:
    """Log an export in a new run and name it champion.

    Args:
        home: where artifacts go when the tracking store is a database.
        stores: of the run and of the registered model.
        study: the study's name; the model is registered under it (`:` and `/` become `_`).
        export_dir: the export; all of it is kept as the run's artifact `export`.
        code: what of this package runs the model.
        example: one or a few image files that the model takes.
        tags: texts on the run and on the model version.
        metrics: such as test_accuracy.
        table: of the export's formats, by column; kept as formats.json, which MLflow's UI shows as a table.

    Raises:
        StudyError: MLflow does not answer or refuses.
    """
    try:
        return call_mlflow(
            lambda: _register(home, stores, study, export_dir, code, example, tags, metrics, table or {}),
            request_timeout_s=120,  # a whole model is sent, perhaps over a slow line
            retries=2,
        )
    except Exception as error:  # MLflow raises its own, those of its drivers, and requests'
        raise StudyError(f"MLflow at {stores} did not take the model of {study}: {reason(error)}") from error


def fetch_export(stores: Stores, name: str, alias: str, cache: Path) -> Path:
    """Return the export of `name`@`alias`, copied to `cache` if needed.

    Raises:
        StudyError: MLflow does not answer, there is no such alias, or its version has no export.
    """
    try:
        return call_mlflow(lambda: _fetch(stores, name, alias, cache))
    except Exception as error:  # as above
        raise StudyError(f"MLflow at {stores} has no export of {name}@{alias}: {reason(error)}") from error


def _fetch(stores: Stores, name: str, alias: str, cache: Path) -> Path:
    from mlflow import MlflowClient

    for uri in stores:
        if (file := sqlite_file(uri)) and not file.exists():
            raise FileNotFoundError("there is no such file")  # MLflow would create it
    client = MlflowClient(*stores)
    version = client.get_model_version_by_alias(name, alias)
    if not version.run_id:
        raise LookupError(f"version {version.version} was made by no run")
    # note: the run is part of the name because another registry has a version 1 of this name, too
    folder = cache / f"{name}-{version.version}-{version.run_id[:8]}"
    if not folder.exists():
        make_private_folder(cache.parent)  # the home
        cache.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache, prefix=".") as partial:
            downloaded = client.download_artifacts(version.run_id, "export", partial)
            _rename(Path(downloaded), folder)
    return folder


def _rename(downloaded: Path, folder: Path) -> None:
    try:
        downloaded.rename(folder)
    except OSError:
        if not folder.exists():  # else another process was first
            raise


def _register(
    home: Home,
    stores: Stores,
    study: str,
    export_dir: Path,
    code: Code,
    example: Sequence[bytes],
    tags: Mapping[str, Any],
    metrics: Mapping[str, float],
    table: Mapping[str, list[Any]],
) -> Registered:
    from mlflow import MlflowClient
    from mlflow.entities import Metric

    name, own_tags = re.sub(r"[:/]", "_", study), clean_tags(tags)
    for uri in stores:
        make_private(uri)
    client, store = MlflowClient(*stores), MlflowStore(stores.tracking, home)
    with _champion_run(store, home, study, own_tags) as (experiment, run):
        if outside := store.outside(run):
            raise StudyError(f"{outside}; --tracking-uri URI sends it elsewhere")
        client.log_artifacts(run.run_id, str(export_dir), "export")
        if table:
            client.log_table(run.run_id, dict(table), "formats.json")
        with (
            _logged_model(client, experiment, run, own_tags) as model,
            saved_model(export_dir, code, example, model) as folder,
        ):
            client.log_model_artifacts(model.model_id, str(folder))
        rows = [Metric(key, value, _now_ms(), 0, model_id=model.model_id) for key, value in metrics.items()]
        client.log_batch(run.run_id, rows)
        number = _add_version(client, name, run, model, own_tags)
    return Registered(name, number, run.run_id, stores)


@contextmanager
def _champion_run(store: MlflowStore, home: Home, study: str, tags: Mapping[str, str]) -> Iterator[tuple[str, RunRef]]:
    """Yield the experiment and a new run below the study's, if any.

    The run is FAILED where the context raises.
    """
    experiment = store.experiment(study)
    events, _ = read_events(spool_path(home, study, None), 0)
    uid = next((event.facts["uid"] for event in events if event.kind == "study"), None)
    parent = store.find(experiment, uid) if uid else None
    above = {"mlflow.parentRunId": parent.run_id} if parent else {}
    run, state = store.create(experiment, CHAMPION, _now_ms(), {**tags, **above}), "FAILED"
    try:
        yield experiment, run
        state = "FINISHED"
    finally:
        store.set_status(run.run_id, state, _now_ms())


@contextmanager
def _logged_model(client: Any, experiment: str, run: RunRef, tags: Mapping[str, str]) -> Iterator[Any]:
    """Yield a new entry of a model, READY once the context ends."""
    from mlflow.entities import LoggedModelOutput

    model = client.create_logged_model(experiment, "model", run.run_id, dict(tags))
    client.log_outputs(run.run_id, [LoggedModelOutput(model.model_id, step=0)])
    state = "FAILED"
    try:
        yield model
        state = "READY"
    finally:
        client.finalize_logged_model(model.model_id, state)


def _add_version(client: Any, name: str, run: RunRef, model: Any, tags: Mapping[str, str]) -> int:
    """Register `model` as a new version of `name`, the champion.

    Returns:
        The number of the version, as the registry then has it.

    Raises:
        LookupError: the registry names another champion.
    """
    from mlflow.exceptions import MlflowException

    try:
        client.create_registered_model(name)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    # note: by its files, since `models:/<id>` would be looked up in the tracking store of the process
    source = model.artifact_location
    number = client.create_model_version(name, source, run.run_id, dict(tags), model_id=model.model_id).version
    client.set_registered_model_alias(name, CHAMPION, str(number))
    link = json.dumps([{"name": name, "version": int(number)}])
    client.set_logged_model_tags(model.model_id, {"mlflow.modelVersions": link})  # the UI leads from one to the other
    # read back: of two processes that export at once, one may have named its own version since
    champion = client.get_model_version_by_alias(name, CHAMPION)
    if champion.run_id != run.run_id:
        raise LookupError(f"its champion is version {champion.version}, and not the {number} that was just registered")
    return int(champion.version)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
