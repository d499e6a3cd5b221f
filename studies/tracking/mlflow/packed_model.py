"""Packing an export for `mlflow.pyfunc`.

Two of its files, the code that runs them, a signature and an example input.
"""

import hashlib
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

DATA = ("model.onnx", "manifest.json")
# what the code that travels with a model imports
REQUIREMENTS = ("mlflow", "numpy", "onnxruntime", "pillow", "pydantic")
INPUT = "image"

_ROOT = Path(__file__).parents[3]


class Code(NamedTuple):
    """The modules of this package that travel with a model.

    `files` by their path in the package; `loader` is the module among them that MLflow calls, below the package.
    """

    loader: str
    files: Sequence[str]


@contextmanager
def saved_model(export: Path, code: Code, example: Sequence[bytes], entry: Any) -> Iterator[Path]:
    """Save a folder for `mlflow.pyfunc.load_model`; the context's end removes it.

    Args:
        export: the folder of an export.
        code: what runs it.
        example: one or a few image files.
        entry: the LoggedModel whose files these are.
    """
    import mlflow
    from mlflow.models import Model

    with tempfile.TemporaryDirectory(prefix="hpo-mlflow-") as scratch:
        data, folder = Path(scratch, "export"), Path(scratch, "model")
        data.mkdir()
        for name in DATA:
            shutil.copy(export / name, data)
        package = _pack(code.files, Path(scratch))
        ids = {"run_id": entry.source_run_id, "model_uuid": entry.model_id, "model_id": entry.model_id}
        mlflow.pyfunc.save_model(
            str(folder),
            mlflow_model=Model(artifact_path=entry.artifact_location, **ids),
            data_path=str(data),
            code_paths=[str(package)],
            loader_module=f"{package.name}.{code.loader}",
            signature=_signature(),
            input_example=np.array(example, dtype=object),
            # given, since MLflow would otherwise load the model in a process of its own to infer them
            pip_requirements=[f"{name}=={version(name)}" for name in REQUIREMENTS],
        )
        yield folder


def _pack(files: Sequence[str], parent: Path) -> Path:
    """Make a package of `files` in `parent`, named by their digest.

    A process that loads two versions of a model has one module for each name: with the same name for other code, the
    second version would run the code of the first.
    """
    contents = {name: (_ROOT / name).read_bytes() for name in sorted(files)}
    digest = hashlib.sha256(b"".join(name.encode() + b"\0" + content for name, content in contents.items()))
    package = parent / f"hpo_model_{digest.hexdigest()[:12]}"
    for name, content in contents.items():
        path = package / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    (package / "__init__.py").write_text('"""The part of hpo that this model needs."""\n')
    return package


def _signature() -> Any:
    """Return the signature: files or pixels in, answers out.

    Of MLflow's types only a tensor of objects lets both files and pixels through: a column of any type refuses arrays
    of more than two dimensions, a tensor of numbers refuses files (measured on MLflow 3.17, see
    `mlflow.models.utils._enforce_schema`).
    """
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, DataType, Schema, TensorSpec
    from mlflow.types.schema import Map

    answers = {"class": DataType.string, "confidence": DataType.double, "probabilities": Map(DataType.double)}
    return ModelSignature(
        Schema([TensorSpec(np.dtype(object), (-1,), INPUT)]),
        Schema([ColSpec(kind, name) for name, kind in answers.items()]),
    )
