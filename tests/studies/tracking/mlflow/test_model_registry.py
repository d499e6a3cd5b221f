import base64
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hpo.errors import StudyError
from hpo.serving.mlflow_model import CODE, _load_pyfunc
from hpo.studies.home import Home
from hpo.studies.tracking.events import StudyStarted
from hpo.studies.tracking.mlflow.model_registry import Registered, fetch_export, register_model
from hpo.studies.tracking.mlflow.packed_model import REQUIREMENTS, Code
from hpo.studies.tracking.mlflow.stores import Stores
from hpo.studies.tracking.mlflow_tracker import MlflowTracker

from ....serving.conftest import png, write_export

FILES = [png(0), png(255)]
PIXELS = np.array([0, 255], np.uint8)[:, None, None, None] * np.ones((1, 1, 8, 8), np.uint8)
TABLE = {"format": ["onnx", "onnx-int8"], "size_bytes": [1600, 700], "test_accuracy": [0.9, 0.8]}

# what a user's service may look like: of all that is installed only the model's own requirements can be imported
_LOAD = """
import base64, json, sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("torch", "hpo", "onnx", "torchvision", "optuna"):
            raise ModuleNotFoundError(name, name=name)
sys.meta_path.insert(0, Refuse())
import mlflow, numpy, pandas
mlflow.set_tracking_uri(sys.argv[1])
model = mlflow.pyfunc.load_model(sys.argv[2])
files = [base64.b64decode(text) for text in sys.argv[3:]]
pixels = numpy.array([0, 255], numpy.uint8)[:, None, None, None] * numpy.ones((1, 1, 8, 8), numpy.uint8)
print(json.dumps({
    "bytes": model.predict(numpy.array(files, dtype=object)),
    "frame": model.predict(pandas.DataFrame({"image": files})),
    "text": model.predict(pandas.DataFrame({"image": sys.argv[3:]})),
    "pixels": model.predict(pixels),
    "one": model.predict(pixels[0]) + model.predict({"image": pixels[1]}),
    "example": model.predict(model.input_example),
}))
"""


@pytest.fixture
def export(tracked: Home) -> Path:
    return write_export(tracked.export("shades"))


def register(home: Home, export: Path, uri: str = "", study: str = "shades", **options: Any) -> Registered:
    given: dict[str, Any] = {
        "code": Code("serving.mlflow_model", CODE),
        "example": FILES,
        "tags": {"trial": 3},
        "metrics": {"test_accuracy": 0.9},
        **options,
    }
    return register_model(home, Stores.at(uri or home.tracking_uri), study, export_dir=export, **given)


def in_base64(contents: list[bytes]) -> list[str]:
    return [base64.b64encode(content).decode() for content in contents]


@pytest.mark.slow
def test_the_champion_answers_where_neither_hpo_nor_torch_is(
    tracked: Home, export: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    tracker = MlflowTracker(tracked, "shades", tracked.tracking_uri, print)
    tracker.tell(StudyStarted("val_accuracy", "maximize"))
    assert tracker.close(60) == 0
    path = list(sys.path)
    first, second = register(tracked, export), register(tracked, export)
    assert sys.path == path
    assert capfd.readouterr() == ("", "")
    assert (first.version, second.version, second.uri) == (1, 2, "models:/shades@champion")

    command = [sys.executable, "-c", _LOAD, tracked.tracking_uri, second.uri, *in_base64(FILES)]
    loaded = subprocess.run(command, capture_output=True, text=True, cwd=tracked.root)
    assert loaded.returncode == 0, loaded.stderr
    wanted = _load_pyfunc(str(export)).predict({"image": PIXELS})
    assert [answer["class"] for answer in wanted] == ["dark", "bright"]
    found = json.loads(loaded.stdout)
    assert found == dict.fromkeys(found, wanted)

    from mlflow import MlflowClient

    client = MlflowClient(tracked.tracking_uri)
    assert client.get_model_version_by_alias("shades", "champion").version in (2, "2")
    run = client.get_run(second.run_id)
    parent = client.get_run(run.data.tags["mlflow.parentRunId"])
    assert (parent.info.run_name, run.data.metrics["test_accuracy"], run.data.tags["trial"]) == ("shades", 0.9, "3")
    assert {file.path for file in client.list_artifacts(second.run_id, "export")} >= {"export/manifest.json"}
    assert len(run.outputs.model_outputs) == 1  # one model per winner


def test_the_registry_shows_signature_example_and_requirements(tracked: Home, export: Path) -> None:
    champion = register(tracked, export, table=TABLE)
    import mlflow

    mlflow.set_tracking_uri(tracked.tracking_uri)
    try:
        info = mlflow.models.get_model_info(champion.uri)
        folder = Path(mlflow.artifacts.download_artifacts(champion.uri))
        table = mlflow.artifacts.load_dict(f"runs:/{champion.run_id}/formats.json")
    finally:
        mlflow.set_tracking_uri(None)
    assert info.signature.inputs.input_names() == ["image"]
    assert info.signature.outputs.input_names() == ["class", "confidence", "probabilities"]
    example = json.loads((folder / "serving_input_example.json").read_text())["inputs"]
    assert [base64.b64decode(text) for text in example] == FILES
    required = [line.partition("==")[0] for line in (folder / "requirements.txt").read_text().split()]
    assert required == sorted(REQUIREMENTS)
    assert {path.name for path in (folder / "data" / "export").iterdir()} == {"model.onnx", "manifest.json"}
    assert table["columns"] == list(TABLE)
    assert table["data"] == [list(row) for row in zip(*TABLE.values(), strict=True)]


def test_two_champions_live_in_one_process(tracked: Home, tmp_path: Path) -> None:
    one = register(tracked, write_export(tmp_path / "one"), study="one")
    other = register(tracked, write_export(tmp_path / "other", class_names=["a", "b", "c"]), study="other")
    import mlflow

    mlflow.set_tracking_uri(tracked.tracking_uri)
    path = list(sys.path)
    try:
        models = [mlflow.pyfunc.load_model(champion.uri) for champion in (one, other)]
    finally:
        mlflow.set_tracking_uri(None)
        sys.path = path
    assert [model.predict(PIXELS[:1])[0]["class"] for model in models] == ["dark", "a"]


@contextmanager
def served(home: Home, champion: Registered, port: int) -> Iterator[str]:
    """`mlflow models serve`, ready."""
    command = [sys.executable, "-m", "mlflow", "models", "serve", "-m", champion.uri, "--env-manager", "local"]
    environment = {
        "MLFLOW_TRACKING_URI": home.tracking_uri,
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
    }
    log = home.root / "served.log"
    with log.open("w") as out:
        server = subprocess.Popen(
            [*command, "--port", str(port), "--workers", "1"],
            env=environment, cwd=home.root, stdout=out, stderr=out, start_new_session=True,
        )  # fmt: skip
    try:
        end = time.monotonic() + 200
        while not _is_up(f"http://127.0.0.1:{port}/ping"):
            assert server.poll() is None, log.read_text()
            assert time.monotonic() < end, log.read_text()
            time.sleep(0.2)
        yield f"http://127.0.0.1:{port}/invocations"
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(60)


def _is_up(address: str) -> bool:
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(address, timeout=5):
            return True
    except OSError:
        return False


def post(address: str, body: Mapping[str, Any]) -> Any:
    request = urllib.request.Request(address, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=60) as answer:
        return json.load(answer)


@pytest.mark.slow
def test_mlflows_own_server_answers_files_and_pixels(tracked: Home, export: Path, free_port: int) -> None:
    champion = register(tracked, export)
    wanted = {"predictions": _load_pyfunc(str(export)).predict({"image": PIXELS})}
    files = in_base64(FILES)
    bodies: list[dict[str, Any]] = [
        {"inputs": files},
        {"inputs": {"image": files}},
        {"instances": files},
        {"dataframe_records": [{"image": file} for file in files]},
        {"dataframe_split": {"columns": ["image"], "data": [[file] for file in files]}},
        {"inputs": PIXELS.tolist()},
        {"inputs": {"image": PIXELS.tolist()}},
    ]
    with served(tracked, champion, free_port) as address:
        for body in bodies:
            assert post(address, body) == wanted, list(body)
        with pytest.raises(urllib.error.HTTPError) as refused:
            post(address, {"inputs": [files[0], files[1][:52]]})
    assert refused.value.code == 400
    assert "image 2 of 2: " in refused.value.read().decode()


def test_an_mlflow_that_does_not_answer_is_reported_in_words(
    tracked: Home, export: Path, free_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    address = f"http://user:s3cret@127.0.0.1:{free_port}"
    ask: list[Callable[[], object]] = [
        lambda: register(tracked, export, address),
        lambda: fetch_export(Stores.at(address), "shades", "champion", tracked.root / "served"),
    ]
    for asked, words in zip(ask, ("did not take the model of shades", "has no export of shades@champion"), strict=True):
        with pytest.raises(StudyError, match=words) as refused:
            asked()
        assert "s3cret" not in str(refused.value)


@pytest.mark.slow
def test_a_server_takes_it_as_a_file_does(tracked: Home, export: Path, mlflow_server: str) -> None:
    address = mlflow_server.rstrip("/")
    first, second = register(tracked, export, address), register(tracked, export, address)
    assert (first.version, second.version) == (1, 2)
    folder = fetch_export(Stores.at(address), "shades", "champion", tracked.root / "served")
    assert {path.name for path in folder.iterdir()} == {path.name for path in export.iterdir()}
    loaded = subprocess.run(
        [sys.executable, "-c", _LOAD, address, second.uri, *in_base64(FILES)],
        capture_output=True, text=True, cwd=tracked.root,
    )  # fmt: skip
    assert loaded.returncode == 0, loaded.stderr
