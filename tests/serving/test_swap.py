"""Versions come and go under load: no request is dropped, and a bad version never replaces a good one."""

import hashlib
import json
import shutil
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnx
import pytest
from hpo.errors import ServeError
from hpo.serving.export_folder import read_export
from hpo.serving.model import Model

from .conftest import Running, linear_onnx, png, write_export

Serving = Callable[..., Running]
PNG = {"Content-Type": "image/png"}


def replace(folder: Path, **manifest: Any) -> None:
    """A new export in place of the one in `folder`, renamed into place."""
    fresh = write_export(folder.with_name("fresh"), **manifest)
    folder.rename(folder.with_name("old"))
    fresh.rename(folder)
    shutil.rmtree(folder.with_name("old"))


def version(client: Any) -> str:
    return str(client.get("status").json()["arms"][0]["model_version"])


def wait_for(client: Any, wanted: str) -> None:
    end = time.monotonic() + 20
    while version(client) != wanted:
        assert time.monotonic() < end, wanted
        time.sleep(0.02)


def test_versions_are_swapped_under_load_without_a_dropped_request(serving: Serving, export: Path) -> None:
    stop, found = threading.Event(), Counter[tuple[int, str]]()

    def load(running: Running) -> None:
        with running.client() as client:
            while not stop.is_set():
                answer = client.post("predict", content=png(0), headers=PNG)
                found[answer.status_code, answer.json().get("model_version", "")] += 1

    with serving() as running, running.client() as client:
        threads = [threading.Thread(target=load, args=[running]) for _ in range(3)]
        for thread in threads:
            thread.start()
        for number in range(2, 8):
            replace(export, version=f"v{number}", seed=number)
            wait_for(client, f"v{number}")
        stop.set()
        for thread in threads:
            thread.join()
        metrics = client.get("metrics").text
    assert {status for status, _ in found} == {200}
    assert len({name for _, name in found}) > 3
    assert 'hpo_swaps_total{arm="champion",outcome="done"} 6.0' in metrics


def _wrong_hash(folder: Path) -> None:
    (folder / "model.onnx").write_bytes(linear_onnx(5))


def _not_a_model(folder: Path) -> None:
    _described(folder, b"no model at all")


def _other_classes(folder: Path) -> None:
    _described(folder, linear_onnx(5, classes=4))


def _other_shape(folder: Path) -> None:
    _described(folder, linear_onnx(5, channels=3))


def _no_manifest(folder: Path) -> None:
    (folder / "manifest.json").write_text("{")


def _described(folder: Path, content: bytes) -> None:
    tree = json.loads((folder / "manifest.json").read_text())
    tree["files"]["model.onnx"]["sha256"] = hashlib.sha256(content).hexdigest()
    (folder / "model.onnx").write_bytes(content)
    (folder / "manifest.json").write_text(json.dumps(tree | {"model_version": "bad"}))


def _weights_elsewhere(folder: Path) -> None:
    model = onnx.load(folder / "model.onnx")
    weights = model.graph.initializer[0]
    (folder.parent / "secret.bin").write_bytes(weights.raw_data)
    weights.ClearField("raw_data")
    weights.external_data.add(key="location", value=str(folder.parent / "secret.bin"))
    weights.data_location = onnx.TensorProto.EXTERNAL
    _described(folder, model.SerializeToString())


BAD = {
    _weights_elsewhere: "the model's weights must lie in the ONNX file itself",
    _wrong_hash: "another SHA-256",
    _not_a_model: "cannot load the model",
    _other_classes: "must give .2, 3. logits, got .2, 4.",
    _other_shape: "cannot be run",
    _no_manifest: "not a manifest of an export",
}


@pytest.mark.parametrize("spoil", BAD)
def test_a_bad_version_never_replaces_a_good_one(spoil: Callable[[Path], None], serving: Serving, export: Path) -> None:
    with serving() as running, running.client() as client:
        spoil(export)
        end = time.monotonic() + 20
        while 'outcome="refused"' not in client.get("metrics").text:
            assert time.monotonic() < end
            time.sleep(0.02)
        assert version(client) == "v1"
        assert client.post("predict", content=png(0), headers=PNG).status_code == 200
        replace(export, version="v2", seed=2)
        wait_for(client, "v2")


@pytest.mark.parametrize("spoil", BAD)
def test_a_bad_version_is_not_served_at_all(spoil: Callable[[Path], None], export: Path) -> None:
    spoil(export)
    with pytest.raises(ServeError, match=BAD[spoil]):
        Model.load(read_export(export), threads=1, max_batch=2)


def test_a_folder_that_goes_away_is_no_reason_to_stop(serving: Serving, export: Path) -> None:
    with serving() as running, running.client() as client:
        shutil.rmtree(export)
        time.sleep(0.2)  # several looks
        assert client.post("predict", content=png(0), headers=PNG).status_code == 200
        write_export(export, version="v2", seed=2)
        wait_for(client, "v2")
