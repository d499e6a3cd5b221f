"""The exported winner in MLflow: logged as a model that takes image files or pixels, registered, and named champion.

`mlflow.pyfunc.load_model("models:/<study>@champion")` and `mlflow models serve` need MLflow, ONNX Runtime and Pillow
then, and neither this package nor torch.
"""

import io
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, NamedTuple

from ...errors import StudyError
from ..home import Home
from .mlflow_store import SQLITE, MlflowStore, clean_tags, prepare_mlflow, shown
from .packed_model import Code, packed
from .shipper import first_line
from .spool import read_events, spool_path

CHAMPION = "champion"


class Registered(NamedTuple):
    """A model in the registry: its version under `name`, and the run that made it."""

    name: str
    version: int
    run_id: str

    @property
    def uri(self) -> str:
        """What `mlflow.pyfunc.load_model` takes."""
        return f"models:/{self.name}@{CHAMPION}"


def register_model(
    home: Home,
    uri: str,
    study: str,
    *,
    export_dir: Path,
    code: Code,
    example: Sequence[bytes],
    tags: Mapping[str, Any],
    metrics: Mapping[str, float],
    table: Mapping[str, list[Any]] | None = None,
) -> Registered:
    """Log the model of an export in a run of its own and make it the champion of `study`.

    Args:
        home: where artifacts go when `uri` is a database.
        uri: the MLflow tracking URI, also of the registry.
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
        with _at(uri):
            return _register(home, uri, study, export_dir, code, example, tags, metrics, table or {})
    except Exception as error:  # MLflow raises its own, those of its drivers, and requests'
        raise StudyError(f"MLflow at {shown(uri)} did not take the model of {study}: {first_line(error)}") from error


def fetch_export(uri: str, name: str, alias: str, place: Path) -> Path:
    """The export folder of the version of `name` that is called `alias`, copied to `place` where it is not there yet.

    Raises:
        StudyError: MLflow does not answer, there is no such alias, or its version has no export.
    """
    try:
        return _fetch(uri, name, alias, place)
    except Exception as error:  # as above
        raise StudyError(f"MLflow at {shown(uri)} has no export of {name}@{alias}: {first_line(error)}") from error


def _fetch(uri: str, name: str, alias: str, place: Path) -> Path:
    """As `fetch_export`. A server asks this from several threads: nothing that belongs to the process is touched."""
    prepare_mlflow()
    from mlflow import MlflowClient

    if uri.startswith(SQLITE) and not Path(uri.removeprefix(SQLITE)).exists():
        raise FileNotFoundError("there is no such file")  # which MLflow would make
    client = MlflowClient(tracking_uri=uri, registry_uri=uri)
    version = client.get_model_version_by_alias(name, alias)
    if not version.run_id:
        raise LookupError(f"version {version.version} was made by no run")
    # note: the run is part of the name because another registry has a version 1 of this name, too
    folder = place / f"{name}-{version.version}-{version.run_id[:8]}"
    if not folder.exists():
        place.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=place, prefix=".") as partial:
            found = client.download_artifacts(version.run_id, "export", partial)
            _rename(Path(found), folder)
    return folder


def _rename(found: Path, folder: Path) -> None:
    try:
        found.rename(folder)
    except OSError:
        if not folder.exists():  # else another process was first
            raise


def _register(
    home: Home,
    uri: str,
    study: str,
    export_dir: Path,
    code: Code,
    example: Sequence[bytes],
    tags: Mapping[str, Any],
    metrics: Mapping[str, float],
    table: Mapping[str, list[Any]],
) -> Registered:
    import mlflow

    name = re.sub(r"[:/]", "_", study)
    experiment, parent = _place(MlflowStore(uri, home.artifacts), home, study)
    own_tags = clean_tags(tags)
    with mlflow.start_run(experiment_id=experiment, run_name=CHAMPION, parent_run_id=parent, tags=own_tags) as run:
        mlflow.log_metrics(dict(metrics))
        mlflow.log_artifacts(str(export_dir), "export")
        if table:
            mlflow.log_table(dict(table), "formats.json")
        with packed(export_dir, code, example) as model:
            info = mlflow.pyfunc.log_model(name="model", registered_model_name=name, tags=own_tags, **model)
        number = int(str(info.registered_model_version))
        mlflow.MlflowClient().set_registered_model_alias(name, CHAMPION, str(number))
        return Registered(name, number, run.info.run_id)


@contextmanager
def _at(uri: str) -> Iterator[None]:
    """MLflow's functions for models know only a global URI, which child processes inherit; it is put back.

    What they print is dropped.
    """
    prepare_mlflow(request_timeout_s=120, retries=2)
    import mlflow

    before: Any = mlflow.get_tracking_uri() if mlflow.is_tracking_uri_set() else None
    try:
        mlflow.set_tracking_uri(uri)
        with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            yield
    finally:
        mlflow.set_tracking_uri(before)


def _place(store: MlflowStore, home: Home, study: str) -> tuple[str, str | None]:
    """The study's experiment and its parent run; None where the study was never tracked."""
    experiment = store.experiment(study)
    events, _ = read_events(spool_path(home, study, None), 0)
    uid = next((event.facts["uid"] for event in events if event.kind == "study"), None)
    parent = store.find(experiment, uid) if uid else None
    return experiment, parent and parent.run_id
