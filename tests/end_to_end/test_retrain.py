"""`hpo retrain-best` after a real search: what it prints, what it leaves, and who can use that."""

import hashlib
import json
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from .conftest import Shell, finish

# whoever gets the files has neither torch nor hpo
ALONE = """
import json, sys

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("torch", "hpo"):
            raise ModuleNotFoundError(name, name=name)

sys.meta_path.insert(0, Refuse())
"""

USE_ONNX = f"""{ALONE}
import numpy, onnxruntime
from sklearn.datasets import load_digits

session = onnxruntime.InferenceSession(sys.argv[1])
names = json.loads(session.get_modelmeta().custom_metadata_map["class_names"])
digits = load_digits()
pixels = numpy.rint(digits.images * (255 / 16)).astype(numpy.uint8)[:, None]
answers = session.run(None, {{"images": pixels}})[0].argmax(axis=1)
right = numpy.array(names, dtype=int)[answers] == digits.target_names[digits.target]
print(json.dumps({{"accuracy": float(right.mean())}}))
"""

USE_MLFLOW = f"""{ALONE}
import mlflow, numpy
from pathlib import Path

mlflow.set_tracking_uri(sys.argv[1])
model = mlflow.pyfunc.load_model(sys.argv[2])
files = numpy.array([Path(name).read_bytes() for name in sys.argv[3:]], dtype=object)
run = mlflow.get_run(model.metadata.run_id)
print(json.dumps({{
    "answers": model.predict(files),
    "example": model.predict(model.input_example),
    "pixels": model.predict(numpy.zeros((3, 1, 8, 8), numpy.uint8)),
    "formats": mlflow.artifacts.load_dict(f"{{run.info.artifact_uri}}/formats.json"),
    "metrics": run.data.metrics,
}}))
"""

KEYS = {
    "study": str,
    "trial": int,
    "val_accuracy": float,
    "test_accuracy": float,
    "test_interval": list,
    "onnx_max_abs_diff": float,
    "onnx_top1_agreement": float,
    "export_dir": str,
}


def use(code: str, *arguments: str) -> dict[str, Any]:
    """What a program of somebody else prints."""
    command = [sys.executable, "-c", code, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    value = json.loads(done.stdout)
    assert isinstance(value, dict)
    return value


def picture(directory: Path, mode: str) -> Path:
    """An image of a seven, larger than the model takes, in a mode of Pillow's."""
    seven = np.kron(load_digits().images[7] * 15, np.ones((4, 3)))
    image = Image.fromarray((seven * 257).astype(np.uint16)) if mode == "I;16" else Image.fromarray(np.uint8(seven))
    if mode == "RGBA":
        image = Image.merge("RGBA", [image, image, image, image.point(lambda level: 255 - level)])
    path = directory / f"{mode.replace(';', '')}.png"
    image.save(path)
    return path


def openings(home: Path) -> int:
    log = home / "simple_cnn" / "test_openings.jsonl"
    return len(log.read_text().splitlines()) if log.exists() else 0


@pytest.mark.slow
def test_from_a_search_to_a_model_that_others_run(shell: Shell) -> None:
    home = shell.directory / "runs"
    uri = f"sqlite:///{home / 'mlflow.db'}"
    assert shell.search("--tracking-uri", uri, trials=2, epochs=4).code == 0
    assert openings(home) == 0  # a search never looks

    done = shell.run("retrain-best", "--json")
    assert done.code == 0, done.err
    result = done.json
    assert {key: type(result[key]) for key in KEYS} == KEYS
    low, high = result["test_interval"]
    assert 0 <= low <= result["test_accuracy"] <= high <= 1
    assert result["trial"] == shell.run("show", "--json").json["best"]["number"]
    assert result["registered"] == "models:/simple_cnn@champion"
    assert openings(home) == result["test_opening"] == 1

    export = Path(result["export_dir"])
    assert export == home / "simple_cnn" / "export"
    files = json.loads((export / "manifest.json").read_text())["files"]
    assert {path.name for path in export.iterdir()} == {*files, "manifest.json"}
    for name, file in files.items():
        assert hashlib.sha256((export / name).read_bytes()).hexdigest() == file["sha256"]

    # most of these images it was trained on; it must do about as well as on the test split
    assert use(USE_ONNX, str(export / "model.onnx"))["accuracy"] >= low - 0.05
    pictures = [str(picture(shell.directory, kind)) for kind in ("L", "RGBA", "I;16")]
    wanted = shell.run("predict", str(export), *pictures, "--json").json["predictions"]
    answer = use(USE_MLFLOW, uri, result["registered"], *pictures)
    assert (len(answer["example"]), len(answer["pixels"])) == (2, 3)
    for found, expected in zip(answer["answers"], wanted, strict=True):
        assert found["class"] == expected["class"]
        assert found["confidence"] == pytest.approx(expected["confidence"], abs=1e-5)
        assert found["probabilities"] == pytest.approx(expected["probabilities"], abs=1e-5)
    columns, rows = answer["formats"]["columns"], answer["formats"]["data"]
    told = {row[0]: dict(zip(columns, row, strict=True)) for row in rows}
    assert set(told) == set(result["formats"]) == {"onnx", "pt2"}
    for name, report in result["formats"].items():
        latencies = {}
        for latency in report["latency"]:
            setting = f"batch {latency['batch']}, {latency['threads']} thread{'s' * (latency['threads'] > 1)}"
            latencies |= {f"p50_ms {setting}": latency["p50_ms"], f"p99_ms {setting}": latency["p99_ms"]}
        measured = {key: report[key] for key in ("size_bytes", "test_accuracy")} | latencies
        measured["top1_agreement"] = report["agreement"]["top1_agreement"]
        assert {key: told[name][key] for key in measured} == pytest.approx(measured)
        assert answer["metrics"][f"{name}/test_accuracy"] == report["test_accuracy"]

    again = shell.run("retrain-best", "--json").json
    assert (again["test_accuracy"], again["test_opening"], openings(home)) == (result["test_accuracy"], 1, 1)
    shorter = shell.run("retrain-best", "--epochs", "1", "--out", "short", "--tracking-uri", "none")
    assert shorter.code == 0, shorter.err
    assert "opening 2 of this test split" in shorter.err
    assert (openings(home), shell.run("show", "--json").json["trials"]["complete"]) == (2, 2)
    table = re.sub(r" +", " ", shorter.out)
    assert "test accuracy" in table
    assert str(shell.directory / "short") in table
    assert json.loads((export / "manifest.json").read_text())["training"]["epochs"] == 4


@pytest.mark.slow
def test_ctrl_c_keeps_the_epochs_and_the_same_command_goes_on(shell: Shell) -> None:
    shell.search(trials=1, epochs=1)
    command = ["retrain-best", "--epochs", "20", "--tracking-uri", "none"]
    process = shell.start(*command)
    assert process.stderr is not None
    while "epoch 2/20" not in (line := process.stderr.readline()):
        assert line, "it ended"
    process.send_signal(signal.SIGINT)
    done = finish(process)
    assert done.code == 130
    assert "Traceback" not in done.err
    stopped = re.search(r"stopped after epoch (\d+) of 20; the same command goes on from there", done.err)
    assert stopped is not None
    assert not (shell.directory / "runs" / "simple_cnn" / "export").exists()
    again = shell.run(*command, "--json")
    assert again.code == 0, again.err
    assert again.json["epochs"] == 20
    trained = [int(epoch) for epoch in re.findall(r"^epoch (\d+)/20", again.err, re.MULTILINE)]
    assert trained == list(range(int(stopped[1]) + 1, 21))


@pytest.mark.slow
def test_an_mlflow_that_is_away_costs_the_registration_alone(shell: Shell) -> None:
    shell.search(trials=1, epochs=1)
    done = shell.run("retrain-best", "--json", "--tracking-uri", "http://127.0.0.1:9")
    assert done.code == 1
    assert done.json["registered"] is None
    assert "127.0.0.1:9" in done.err
    assert "the same command registers it" in done.err
    uri = f"sqlite:///{shell.directory}/runs/mlflow.db"
    again = shell.run("retrain-best", "--json", "--tracking-uri", uri)
    assert again.code == 0, again.err
    assert again.json["registered"] == "models:/simple_cnn@champion"
    assert again.json["test_opening"] == 1
