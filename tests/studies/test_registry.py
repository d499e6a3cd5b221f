import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from hpo.errors import StudyError
from hpo.studies.home import Home
from hpo.studies.tracking.mlflow_tracker import MlflowTracker
from hpo.studies.tracking.registry import Registered, register_model
from hpo.studies.tracking.tracker import StudyInfo
from onnx import TensorProto, helper

IMAGE = np.ones((1, 1, 8, 8), dtype=np.float32)

# what a user's service may look like: neither this package nor torch can be imported
_LOAD = """
import sys
sys.modules["hpo"] = sys.modules["torch"] = None
import mlflow, numpy
mlflow.set_tracking_uri(sys.argv[1])
model = mlflow.pyfunc.load_model(sys.argv[2])
print(model.predict(numpy.ones((3, 1, 8, 8), numpy.float32))["logits"].tolist())
"""


@pytest.fixture
def export(tracked: Home) -> Path:
    """An exported model that adds up the pixels of an image, with any number of images."""
    weight = helper.make_tensor("weight", TensorProto.FLOAT, [64, 2], [1.0, 2.0] * 64)
    graph = helper.make_graph(
        [helper.make_node("Flatten", ["image"], ["flat"]), helper.make_node("MatMul", ["flat", "weight"], ["logits"])],
        "sum",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", 1, 8, 8])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", 2])],
        [weight],
    )
    directory = tracked.export("digits")
    directory.mkdir(parents=True)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(model, directory / "model.onnx")
    (directory / "manifest.json").write_text("{}")
    return directory


def register(home: Home, export: Path, uri: str = "") -> Registered:
    return register_model(
        home,
        uri or home.tracking_uri,
        "digits",
        model=export / "model.onnx",
        input_example=IMAGE,
        tags={"trial": 3},
        metrics={"test_accuracy": 0.9},
        export_dir=export,
    )


def test_the_champion_is_loaded_where_neither_hpo_nor_torch_is(
    tracked: Home, export: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    tracker = MlflowTracker(tracked, "digits", tracked.tracking_uri, print)
    tracker.study_started(StudyInfo("digits", "val_accuracy", "maximize"))
    assert tracker.close(60) == 0
    first, second = register(tracked, export), register(tracked, export)
    assert capfd.readouterr() == ("", "")
    assert (first.version, second.version, second.uri) == (1, 2, "models:/digits@champion")

    command = [sys.executable, "-c", _LOAD, tracked.tracking_uri, second.uri]
    loaded = subprocess.run(command, capture_output=True, text=True, cwd=tracked.root)
    assert loaded.returncode == 0, loaded.stderr
    assert loaded.stdout.strip() == str([[64.0, 128.0]] * 3)

    from mlflow import MlflowClient

    client = MlflowClient(tracked.tracking_uri)
    assert client.get_model_version_by_alias("digits", "champion").version in (2, "2")
    run = client.get_run(second.run_id)
    parent = client.get_run(run.data.tags["mlflow.parentRunId"])
    assert (parent.info.run_name, run.data.metrics["test_accuracy"], run.data.tags["trial"]) == ("digits", 0.9, "3")
    assert {file.path for file in client.list_artifacts(second.run_id, "export")} >= {"export/manifest.json"}


@pytest.mark.slow
def test_mlflows_own_command_line_predicts_with_the_champion(tracked: Home, export: Path) -> None:
    champion = register(tracked, export)
    (tracked.root / "in.json").write_text('{"inputs": ' + str(IMAGE.tolist()) + "}")
    command = [sys.executable, "-m", "mlflow", "models", "predict", "-m", champion.uri, "--env-manager", "local"]
    files = ["-i", str(tracked.root / "in.json"), "-o", str(tracked.root / "out.json")]
    environment = {
        "MLFLOW_TRACKING_URI": tracked.tracking_uri,
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "PATH": "/usr/bin:/bin",
    }
    subprocess.run([*command, *files], env=environment, check=True, capture_output=True, timeout=200)
    assert "64.0" in (tracked.root / "out.json").read_text()


def test_an_mlflow_that_does_not_answer_is_reported_in_words(
    tracked: Home, export: Path, free_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(StudyError, match="did not take the model of digits") as refused:
        register(tracked, export, f"http://user:s3cret@127.0.0.1:{free_port}")
    assert "s3cret" not in str(refused.value)
