"""The Open Inference Protocol as Triton's own client speaks it, and as it must not be spoken."""

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hpo.serving.options import Folder, ServeOptions

from .conftest import Running, png, write_export

PIXELS = np.stack([np.zeros((1, 8, 8), np.uint8), np.full((1, 8, 8), 255, np.uint8)])
GOOD = {"name": "images", "datatype": "UINT8", "shape": [2, 1, 8, 8], "data": PIXELS.ravel().tolist()}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = write_export(tmp_path_factory.mktemp("v2"))
    with Running(ServeOptions(Folder(folder), port=0)) as started:
        yield started


@pytest.mark.filterwarnings("ignore")  # gevent's and the client's own
@pytest.mark.parametrize("binary", [True, False])
def test_tritons_client_is_answered(running: Running, binary: bool) -> None:
    triton = pytest.importorskip("tritonclient.http")
    client = triton.InferenceServerClient(running.url.removeprefix("http://").rstrip("/"))
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("shades")
    assert client.is_model_ready("shades", "v1")
    assert client.get_server_metadata()["extensions"] == ["binary_tensor_data"]
    about = client.get_model_metadata("shades")
    assert about["inputs"] == [{"name": "images", "datatype": "UINT8", "shape": [-1, 1, 8, 8]}]
    given = triton.InferInput("images", [2, 1, 8, 8], "UINT8")
    given.set_data_from_numpy(PIXELS, binary_data=binary)
    wanted = [triton.InferRequestedOutput(name, binary_data=binary) for name in ("logits", "probabilities")]
    answer = client.infer("shades", [given], outputs=wanted, request_id="mine")
    assert answer.get_response()["id"] == "mine"
    assert answer.as_numpy("probabilities").argmax(axis=1).tolist() == [0, 2]
    assert answer.as_numpy("logits").shape == (2, 3)
    with pytest.raises(Exception, match=r"no model .other.; there is shades"):
        client.infer("other", [given])
    client.close()


def _infer(running: Running, body: Any, headers: dict[str, str] | None = None, path: str = "shades") -> Any:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    with running.client() as client:
        return client.post(f"v2/models/{path}/infer", content=content, headers=headers or {})


def test_tensors_and_files_get_the_same_answer(running: Running) -> None:
    answer = _infer(running, {"inputs": [GOOD], "outputs": [{"name": "probabilities"}]}).json()
    with running.client() as client:
        by_file = client.post("predict", content=png(0), headers={"Content-Type": "image/png"}).json()
    (output,) = answer["outputs"]
    assert output["shape"] == [2, 3]
    assert output["data"][:3] == pytest.approx(list(by_file["predictions"][0]["probabilities"].values()), abs=1e-6)
    assert answer["model_version"] == "v1"


def test_nested_lists_are_read_as_well(running: Running) -> None:
    assert _infer(running, {"inputs": [{**GOOD, "data": PIXELS.tolist()}]}).status_code == 200


BAD: dict[str, tuple[int, Any, str]] = {
    "no JSON": (400, b"{", "not an infer request"),
    "no inputs": (400, {}, "inputs"),
    "another name": (400, {"inputs": [{**GOOD, "name": "x"}]}, "is called 'images'"),
    "two inputs": (400, {"inputs": [GOOD, GOOD]}, "the one input"),
    "floats": (400, {"inputs": [{**GOOD, "datatype": "FP32"}]}, "must be UINT8"),
    "another shape": (400, {"inputs": [{**GOOD, "shape": [2, 8, 8, 1]}]}, "must be [N, 1, 8, 8]"),
    "no images": (400, {"inputs": [{**GOOD, "shape": [0, 1, 8, 8], "data": []}]}, "must be [N"),
    "huge": (413, {"inputs": [{**GOOD, "shape": [10**12, 1, 8, 8]}]}, "at most 64"),
    "too few": (400, {"inputs": [{**GOOD, "data": [1, 2]}]}, "has 128 numbers, got 2"),
    "too bright": (400, {"inputs": [{**GOOD, "data": [256] * 128}]}, "0 to 255"),
    "halves": (400, {"inputs": [{**GOOD, "data": [0.5] * 128}]}, "whole numbers"),
    "texts": (400, {"inputs": [{**GOOD, "data": ["a"] * 128}]}, "whole numbers"),
    "many numbers": (413, b"0," * 2_000_001, "send raw bytes (binary tensor data)"),
    "many lists": (413, b"[" * 100_001, "at most 100,000 lists"),
    "ragged": (400, {"inputs": [{**GOOD, "data": [[1], [1, 2]]}]}, "ragged"),
    "enormous numbers": (400, {"inputs": [{**GOOD, "data": [10**40] * 128}]}, "whole numbers"),
    "another output": (400, {"inputs": [GOOD], "outputs": [{"name": "x"}]}, "no output 'x'"),
    "classification": (
        400,
        {"inputs": [GOOD], "outputs": [{"name": "logits", "parameters": {"classification": 2}}]},
        "POST /predict",
    ),
    "no bytes": (400, {"inputs": [{k: v for k, v in GOOD.items() if k != "data"}]}, "binary_data_size"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_not_the_protocol_is_refused_in_words(name: str, running: Running) -> None:
    status, body, words = BAD[name]
    answer = _infer(running, body)
    assert answer.status_code == status, answer.text
    assert words in answer.json()["error"]


@pytest.mark.parametrize("length", ["x", "-1", "999999", "1e1"])
def test_a_length_of_the_header_that_cannot_be(length: str, running: Running) -> None:
    answer = _infer(running, b"{}", {"Inference-Header-Content-Length": length})
    assert answer.status_code == 400
    assert "Inference-Header-Content-Length" in answer.json()["error"]


def test_models_and_versions_that_are_not_there(running: Running) -> None:
    assert "there is shades" in _infer(running, {"inputs": [GOOD]}, path="other").json()["error"]
    assert "in service: v1" in _infer(running, {"inputs": [GOOD]}, path="shades/versions/v9").json()["error"]
