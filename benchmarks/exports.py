"""Exports of a small network with random weights, for servers to serve."""

import hashlib
import json
import shutil
from pathlib import Path
from types import SimpleNamespace

from http_requests import SIZE, image

WIDTH = 16  # channels of the first layer: 0.1 ms per image


def make_export(folder: Path, width: int = WIDTH) -> None:
    """Export a convolutional network with random weights."""
    import torch
    from hpo.training.export.classifier import Classifier
    from hpo.training.export.onnx_file import write_onnx
    from hpo.training.export.program import capture
    from hpo.training.models.build import build_model
    from hpo.training.models.config import SimpleCnn

    torch.manual_seed(0)
    config = SimpleCnn(width=width)
    model = build_model(config, num_classes=10, in_channels=3, image_size=SIZE)
    program = capture(
        Classifier(model, (0.5,) * 3, (0.25,) * 3), config, torch.zeros(1, 3, SIZE, SIZE, dtype=torch.uint8)
    )
    folder.mkdir()
    write_onnx(program, folder / "model.onnx", config, {})
    describe(folder, "v1")


def describe(folder: Path, version: str) -> None:
    """Write the manifest of the export in `folder`."""
    tree = {
        "study": "benchmark",
        "trial": 0,
        "model_version": version,
        "class_names": [f"class {number}" for number in range(10)],
        "preprocessing": {"image_size": SIZE, "channels": 3},
        "files": {"model.onnx": {"sha256": hashlib.sha256((folder / "model.onnx").read_bytes()).hexdigest()}},
    }
    (folder / "manifest.json").write_text(json.dumps(tree))


def save_for_mlflow(export: Path, target: Path) -> None:
    """Save the model as `hpo retrain-best` gives it to MLflow."""
    from hpo.serving.mlflow_model import CODE
    from hpo.studies.tracking.mlflow.packed_model import Code, saved_model

    entry = SimpleNamespace(source_run_id=None, model_id=None, artifact_location="model")
    with saved_model(export, Code("serving.mlflow_model", CODE), [image()], entry) as model:
        shutil.copytree(model, target)
