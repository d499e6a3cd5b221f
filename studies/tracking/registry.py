"""The exported winner in MLflow: logged as an ONNX model with a signature, registered, and named champion.

`mlflow.pyfunc.load_model("models:/<study>@champion")` and `mlflow models serve` need MLflow, ONNX Runtime and numpy
then, and neither this package nor torch.
"""

import io
import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

from ...errors import StudyError
from ..home import Home
from .mlflow_store import MlflowStore, clean_tags, prepare_mlflow, shown
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
    model: Path,
    input_example: Any,
    tags: Mapping[str, Any],
    metrics: Mapping[str, float],
    export_dir: Path,
    table: Mapping[str, list[Any]] | None = None,
) -> Registered:
    """Log `model` (an ONNX file with one input and one output) in a run of its own and make it the champion of `study`.

    Args:
        home: where artifacts go when `uri` is a database.
        uri: the MLflow tracking URI, also of the registry.
        study: the study's name; the model is registered under it (`:` and `/` become `_`).
        model: the ONNX file; shapes and types of the signature are read from it.
        input_example: a numpy array that the model takes, one or a few real images.
        tags: texts on the run and on the model version.
        metrics: such as test_accuracy.
        export_dir: kept as the run's artifact `export`.
        table: of the export's formats, by column; kept as formats.json, which MLflow's UI shows as a table.

    Raises:
        StudyError: MLflow does not answer or refuses.
    """
    try:
        with _at(uri), redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            return _register(home, uri, study, model, input_example, tags, metrics, export_dir, table or {})
    except Exception as error:  # MLflow raises its own, those of its drivers, and requests'
        raise StudyError(f"MLflow at {shown(uri)} did not take the model of {study}: {first_line(error)}") from error


def fetch_export(uri: str, name: str, alias: str, place: Path) -> Path:
    """The export folder of the version of `name` that is called `alias`, copied to `place` where it is not there yet.

    Raises:
        StudyError: MLflow does not answer, there is no such alias, or its version has no export.
    """
    try:
        with _at(uri), redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            import mlflow
            from mlflow.artifacts import download_artifacts

            version = mlflow.MlflowClient().get_model_version_by_alias(name, alias)
            folder = place / f"{name}-{version.version}"
            if not folder.exists():
                place.mkdir(parents=True, exist_ok=True)
                with tempfile.TemporaryDirectory(dir=place, prefix=".") as partial:
                    found = download_artifacts(run_id=version.run_id, artifact_path="export", dst_path=partial)
                    Path(found).rename(folder)
            return folder
    except Exception as error:  # as above
        raise StudyError(f"MLflow at {shown(uri)} has no export of {name}@{alias}: {first_line(error)}") from error


def _register(
    home: Home,
    uri: str,
    study: str,
    model: Path,
    input_example: Any,
    tags: Mapping[str, Any],
    metrics: Mapping[str, float],
    export_dir: Path,
    table: Mapping[str, list[Any]],
) -> Registered:
    import mlflow
    import mlflow.onnx as onnx_flavor
    import onnx

    name = re.sub(r"[:/]", "_", study)
    experiment, parent = _place(MlflowStore(uri, home.artifacts), home, study)
    loaded = onnx.load(model)
    own_tags = clean_tags(tags)
    with mlflow.start_run(experiment_id=experiment, run_name=CHAMPION, parent_run_id=parent, tags=own_tags) as run:
        mlflow.log_metrics(dict(metrics))
        mlflow.log_artifacts(str(export_dir), "export")
        if table:
            mlflow.log_table(dict(table), "formats.json")
        info = onnx_flavor.log_model(
            loaded,
            name="model",
            signature=_signature(loaded),
            input_example=input_example,
            registered_model_name=name,
            # said outright: MLflow would load the model in a process of its own to find out
            pip_requirements=_requirements(),
            tags=own_tags,
        )
        number = int(str(info.registered_model_version))
        mlflow.MlflowClient().set_registered_model_alias(name, CHAMPION, str(number))
        return Registered(name, number, run.info.run_id)


@contextmanager
def _at(uri: str) -> Iterator[None]:
    """MLflow's functions for models know only a global URI, which child processes inherit; it is put back."""
    prepare_mlflow(request_timeout_s=120, retries=2)
    import mlflow

    before: Any = mlflow.get_tracking_uri() if mlflow.is_tracking_uri_set() else None
    try:
        mlflow.set_tracking_uri(uri)
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


def _requirements() -> list[str]:
    return [f"{package}=={version(package)}" for package in ("mlflow", "onnx", "onnxruntime", "numpy")]


def _signature(model: Any) -> Any:
    """Input and output of the ONNX graph; a dimension without a fixed size is -1."""
    from mlflow.models import ModelSignature
    from mlflow.types import Schema

    inside = {tensor.name for tensor in model.graph.initializer}
    inputs = [value for value in model.graph.input if value.name not in inside]
    # note: without names, so that `predict` takes a bare array
    return ModelSignature(Schema([_spec(inputs[0])]), Schema([_spec(model.graph.output[0])]))


def _spec(value: Any) -> Any:
    from mlflow.types import TensorSpec
    from onnx.helper import tensor_dtype_to_np_dtype

    tensor = value.type.tensor_type
    shape = tuple(size.dim_value if size.HasField("dim_value") else -1 for size in tensor.shape.dim)
    return TensorSpec(tensor_dtype_to_np_dtype(tensor.elem_type), shape)
