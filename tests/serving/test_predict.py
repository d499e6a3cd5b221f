"""POST /predict over real HTTP: every kind of body, every refusal, what the log and the metrics get."""

import base64
import io
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hpo.common.preprocess import STEPS
from PIL import Image

from .conftest import CLASSES, Running, png

Serving = Callable[..., Running]


def test_every_kind_of_body_gets_the_same_answer(serving: Serving) -> None:
    content = png(255)
    with serving() as running, running.client() as client:
        form = client.post("predict", files={"file": ("a.png", content, "image/png")})
        bare = client.post("predict", content=content, headers={"Content-Type": "image/png"})
        as_json = client.post("predict", json={"images": [base64.b64encode(content).decode()]})
    answers = [answer.json() for answer in (form, bare, as_json)]
    assert [answer.status_code for answer in (form, bare, as_json)] == [200] * 3
    assert all(answer["predictions"] == answers[0]["predictions"] for answer in answers)
    (prediction,) = answers[0]["predictions"]
    assert prediction["class"] == "bright"
    assert prediction["confidence"] == prediction["probabilities"]["bright"]
    assert set(prediction["probabilities"]) == set(CLASSES)
    assert sum(prediction["probabilities"].values()) == pytest.approx(1, abs=1e-5)
    assert answers[0]["model_version"] == "v1"
    assert answers[0]["model"] == "shades"


def test_the_rule_that_decodes_is_told(serving: Serving) -> None:
    with serving() as running, running.client() as client:
        told = client.get("status").json()["preprocessing"]
        described = client.get("openapi.json").json()["paths"]["/predict"]["post"]["description"]
    assert told == {"image_size": 8, "channels": 1, "steps": list(STEPS)}
    assert all(step in described for step in STEPS)


def test_several_images_are_answered_in_order(serving: Serving) -> None:
    files = [("file", (f"{shade}.png", png(shade), "image/png")) for shade in (0, 255, 128, 0)]
    with serving() as running, running.client() as client:
        answer = client.post("predict", files=files).json()
    assert [prediction["class"] for prediction in answer["predictions"]] == ["dark", "bright", "medium", "dark"]


def test_a_large_image_is_cut_and_shrunk_as_in_training(serving: Serving) -> None:
    wide = Image.new("L", (1200, 400), 0)
    wide.paste(255, (400, 0, 800, 400))
    buffer = io.BytesIO()
    wide.save(buffer, "JPEG")
    with serving() as running, running.client() as client:
        answer = client.post("predict", content=buffer.getvalue(), headers={"Content-Type": "image/jpeg"}).json()
    assert answer["predictions"][0]["class"] == "bright"


def test_only_the_likeliest_classes_where_asked(serving: Serving) -> None:
    with serving() as running, running.client() as client:
        answer = client.post("predict?top=2", content=png(255), headers={"Content-Type": "image/png"}).json()
        refused = client.post("predict?top=0", content=png(255), headers={"Content-Type": "image/png"})
    assert list(answer["predictions"][0]["probabilities"]) == ["bright", "medium"]
    assert refused.status_code == 422
    assert "top" in refused.json()["error"]


TIFF = png(0, kind="TIFF")
REFUSALS: dict[str, tuple[int, str, bytes, str]] = {
    "no body type": (415, "", b"x", "the body must be multipart/form-data"),
    "text": (415, "text/plain", b"x", "the body must be"),
    "text as an image": (415, "image/png", b"hello", "text, not an image; formats read here: PNG"),
    "a format not on the list": (415, "image/tiff", TIFF, "formats read here: PNG, JPEG, GIF, WEBP, BMP"),
    "empty": (415, "image/png", b"", "an empty file"),
    "cut short": (422, "image/png", png(7, 64)[:-30], "damaged or cut short"),
    "not JSON": (400, "application/json", b"{", "not JSON"),
    "deep JSON": (400, "application/json", b"[" * 10_000, "not JSON"),
    "many lists": (413, "application/json", b"[" * 100_000, "at most 20,000 lists and objects are read"),
    "many values": (413, "application/json", b"[" + b"0," * 100_000 + b"0]", "at most 20,000 values are read"),
    "JSON of another kind": (422, "application/json", b'{"image": 3}', 'must be {"images"'),
    "JSON without images": (422, "application/json", b'{"images": []}', "at least one image"),
    "not base64": (422, "application/json", b'{"images": ["", "?"]}', "images[1]: is not base64: "),
    "too many": (413, "application/json", json.dumps({"images": [""] * 65}).encode(), "at most 64 images"),
    "no boundary": (400, "multipart/form-data", b"x", "boundary"),
    "an open form": (400, "multipart/form-data; boundary=b", b"--b\r\n", "closing boundary"),
    "a form without files": (
        422,
        "multipart/form-data; boundary=b",
        b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--b--\r\n',
        "at least one image",
    ),
}


@pytest.fixture(scope="module")
def refusing(tmp_path_factory: pytest.TempPathFactory) -> Any:
    from hpo.serving.options import Folder, ServeOptions

    from .conftest import write_export

    folder = write_export(tmp_path_factory.mktemp("refusing"))
    with Running(ServeOptions(Folder(folder), port=0, max_body_mb=1)) as running:
        yield running


@pytest.mark.parametrize("name", REFUSALS)
def test_a_refusal_says_what_would_be_right(name: str, refusing: Running) -> None:
    status, kind, body, words = REFUSALS[name]
    with refusing.client() as client:
        answer = client.post("predict", content=body, headers={"Content-Type": kind} if kind else {})
    assert answer.status_code == status
    assert words in answer.json()["error"]
    assert answer.json()["request_id"] == answer.headers["x-request-id"]


def test_a_bomb_is_refused_from_its_header(refusing: Running) -> None:
    content = bytearray(png(0))
    content[16:24] = (9000).to_bytes(4) * 2
    import zlib

    content[29:33] = zlib.crc32(content[12:29]).to_bytes(4)
    with refusing.client() as client:
        answer = client.post("predict", content=bytes(content), headers={"Content-Type": "image/png"})
    assert answer.status_code == 413
    assert "25 megapixels" in answer.json()["error"]


def test_too_many_bytes_are_refused_while_they_arrive(refusing: Running) -> None:
    sent = 0

    def endless() -> Any:
        nonlocal sent
        while sent < 200:
            sent += 1
            yield b"x" * 2**16

    with refusing.client() as client:
        announced = client.post("predict", content=b"x" * (2**20 + 1), headers={"Content-Type": "image/png"})
        streamed = client.post("predict", content=endless(), headers={"Content-Type": "image/png"})
    assert announced.status_code == streamed.status_code == 413
    assert "at most 1 MiB" in streamed.json()["error"]


@pytest.mark.parametrize(("path", "method", "status"), [("nowhere", "GET", 404), ("predict", "GET", 405)])
def test_other_paths_and_methods_are_told_in_the_same_form(
    path: str, method: str, status: int, refusing: Running
) -> None:
    with refusing.client() as client:
        answer = client.request(method, path)
    assert answer.status_code == status
    assert answer.json()["error"]


def test_a_bug_is_a_500_that_tells_nothing(serving: Serving, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving() as running, running.client() as client:
        monkeypatch.setattr(running.service.decoder, "decode", None)
        answer = client.post("predict", content=png(0), headers={"Content-Type": "image/png"})
    assert answer.status_code == 500
    assert "fault of the server" in answer.json()["error"]


def test_the_log_gets_every_image(serving: Serving) -> None:
    files = [("file", (f"{shade}.png", png(shade), "image/png")) for shade in (0, 255)]
    with serving() as running, running.client() as client:
        client.post("predict", files=files, headers={"X-Request-ID": "mine-1"})
    first, second = running.log.predictions
    assert (first.request_id, first.index, second.index) == ("mine-1", 0, 1)
    assert (first.class_name, second.class_name) == ("dark", "bright")
    assert first.confidence == pytest.approx(float(first.probabilities.max()))
    assert first.arm == "champion"
    assert not first.shadow
    assert 0 < first.latency_s < 5
    assert second.image.shape == (1, 8, 8)
    assert np.all(second.image == 255)
    assert running.log.closed


def test_the_metrics_count(serving: Serving) -> None:
    with serving() as running, running.client() as client:
        client.post("predict", content=png(0), headers={"Content-Type": "image/png"})
        client.post("predict", content=b"x", headers={"Content-Type": "image/png"})
        text = client.get("metrics").text
    assert 'hpo_requests_total{route="/predict",status="200"} 1.0' in text
    assert 'hpo_requests_total{route="/predict",status="415"} 1.0' in text
    assert 'hpo_predictions_total{arm="champion",label="dark"} 1.0' in text
    assert 'hpo_model_info{arm="champion",version="v1"} 1.0' in text


def test_a_temperature_softens_the_answers(serving: Serving, export: Any) -> None:
    from .conftest import write_export

    def confidence(running: Running) -> float:
        with running.client() as client:
            answer = client.post("predict", content=png(255), headers={"Content-Type": "image/png"}).json()
        return float(answer["predictions"][0]["confidence"])

    with serving() as running:
        sharp = confidence(running)
    write_export(export, temperature=4.0)
    with serving() as running:
        assert confidence(running) < sharp
