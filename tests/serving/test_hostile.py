"""Bytes that nobody meant well: every one is answered, none with a 500, and the server goes on."""

import socket
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from hpo.serving.options import Folder, ServeOptions
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .conftest import Running, png, write_export

BOUNDARY = b"b"
FORM = b'--b\r\nContent-Disposition: form-data; name="f"; filename="a"\r\n\r\n%b\r\n--b--\r\n' % png(9)
SEEDS = [*(png(77, 16, kind) for kind in ("PNG", "JPEG", "GIF", "WEBP", "BMP")), FORM, b'{"images": ["iVBORw0KGgo="]}']
KINDS = ["image/png", "multipart/form-data; boundary=b", "application/json", "multipart/form-data", "text/html", "\x01"]
PATHS = ["/predict", "/predict?top=x", "/v2/models/shades/infer", "/v2/models/%2e%2e/infer", "/", "/metrics"]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = write_export(tmp_path_factory.mktemp("hostile"))
    with Running(ServeOptions(Folder(folder), port=0, timeout_s=5)) as started:
        yield started


@st.composite
def bodies(draw: st.DrawFn) -> bytes:
    """A sound body with a few bytes changed, a piece cut out, or a piece doubled."""
    content = bytearray(draw(st.sampled_from(SEEDS)))
    for _ in range(draw(st.integers(0, 4))):
        place = draw(st.integers(0, max(0, len(content) - 1)))
        match draw(st.sampled_from(["flip", "cut", "double", "insert"])):
            case "flip" if content:
                content[place] = draw(st.integers(0, 255))
            case "cut":
                del content[place : place + draw(st.integers(1, 40))]
            case "double":
                content[place:place] = content[place : place + draw(st.integers(1, 40))]
            case _:
                content[place:place] = draw(st.binary(max_size=8))
    return bytes(content)


@pytest.mark.filterwarnings("ignore")  # Pillow's, about what is odd here on purpose
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(body=bodies(), kind=st.sampled_from(KINDS), path=st.sampled_from(PATHS))
def test_no_body_is_a_500(body: bytes, kind: str, path: str, running: Running) -> None:
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
    request = f"{head}Content-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
    assert _status(running, request) in {200, 400, 404, 405, 413, 415, 422}


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.one_of(st.binary(max_size=300), st.text(max_size=100).map(lambda text: text.encode() + b"\r\n\r\n")))
def test_no_bytes_at_all_end_the_server(data: bytes, running: Running) -> None:
    status = _status(running, b"GET / HTTP/1.1\r\n" + data + b"\r\n\r\n", wait=0.05)
    assert status is None or status < 500
    assert _status(running, b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n") == 200


def _status(running: Running, request: bytes, wait: float = 20) -> int | None:
    """The status of the answer; None where it hung up without one, or waits for the rest."""
    with closing(socket.create_connection(("127.0.0.1", running.listener.getsockname()[1]), wait)) as connection:
        connection.sendall(request)
        try:
            answer = connection.recv(64)
        except (TimeoutError, ConnectionResetError):
            return None
    return int(answer[9:12]) if answer else None


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_the_openapi_description_holds_under_schemathesis(running: Running) -> None:
    schemathesis: Any = pytest.importorskip("schemathesis")
    schema = schemathesis.openapi.from_url(f"{running.url}openapi.json")
    for result in schema.get_all_operations():
        operation = result.ok()

        @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), database=None)
        @given(case=operation.as_strategy())
        def check(case: Any) -> None:
            answer = case.call(base_url=running.url)
            assert answer.status_code < 500, (case, answer.text)
            case.validate_response(answer, checks=[schemathesis.checks.not_a_server_error])

        check()
