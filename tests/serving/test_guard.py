"""Who may ask, how much may wait, how long it may take."""

import socket
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hpo.errors import ServeError
from hpo.serving.model import Speed
from hpo.serving.options import Folder, ServeOptions, read_token

from .conftest import Running, png, until

Serving = Callable[..., Running]
TOKEN = "a-long-enough-secret"
PNG = {"Content-Type": "image/png"}


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "", "localhost.evil.example"])
def test_a_name_that_others_can_point_here_is_refused(host: str, serving: Serving) -> None:
    with serving() as running, running.client() as client:
        answer = client.get("status", headers={"Host": host})
    assert answer.status_code == 403
    assert "--allow-host" in answer.json()["error"]


def test_names_of_this_machine_and_addresses_are_known(serving: Serving) -> None:
    names = ["localhost", "localhost:99", "127.0.0.1:1", "[::1]:8000", "192.0.2.7", "models.example"]
    with serving(allowed_hosts=("models.example",)) as running, running.client() as client:
        found = {name: client.get("healthz", headers={"Host": name}).status_code for name in names}
    assert found == dict.fromkeys(names, 200)


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://localhost:1"])
def test_pages_of_other_origins_are_refused(origin: str, serving: Serving) -> None:
    with serving() as running, running.client() as client:
        own = client.post("predict", content=png(0), headers={**PNG, "Origin": running.url.rstrip("/")})
        other = client.post("predict", content=png(0), headers={**PNG, "Origin": origin})
    assert own.status_code == 200
    assert other.status_code == 403


def test_a_token_is_needed_for_everything_about_images(serving: Serving) -> None:
    with serving(token=TOKEN) as running, running.client() as client:
        free = (
            "",
            "health",
            "healthz",
            "readyz",
            "v2/health/live",
            "docs",
            "docs/static/swagger-ui.css",
            "openapi.json",
        )
        opened = [client.get(path).status_code for path in free]
        closed = [client.get(path).status_code for path in ("metrics", "status", "v2", "docsmore")]
        around = client.get("docs/%2e%2e/status")
        wrong = client.post("predict", content=png(0), headers={**PNG, "Authorization": "Bearer no"})
        right = client.post("predict", content=png(0), headers={**PNG, "Authorization": f"Bearer {TOKEN}"})
    assert opened == [200] * 8
    assert closed == [401] * 4
    assert around.status_code == 404
    assert wrong.headers["www-authenticate"] == "Bearer"
    assert right.status_code == 200


def test_a_compressed_body_is_refused(serving: Serving) -> None:
    with serving() as running, running.client() as client:
        answer = client.post("predict", content=png(0), headers={**PNG, "Content-Encoding": "gzip"})
    assert answer.status_code == 415


def _in_background(client: Any, count: int) -> tuple[list[threading.Thread], list[int]]:
    found: list[int] = []

    def ask() -> None:
        found.append(client.post("predict", content=png(0), headers=PNG).status_code)

    threads = [threading.Thread(target=ask) for _ in range(count)]
    for thread in threads:
        thread.start()
    return threads, found


def test_past_the_queue_requests_are_refused_at_once_and_the_rest_is_answered(
    serving: Serving, held: threading.Event
) -> None:
    with serving(queue=3) as running, running.client() as client:
        threads, found = _in_background(client, 3)
        until(lambda: running.service.queue.images == 3)
        start = time.perf_counter()
        refused = client.post("predict", content=png(0), headers=PNG)
        took = time.perf_counter() - start
        held.set()
        for thread in threads:
            thread.join()
        assert client.post("predict", content=png(0), headers=PNG).status_code == 200
        assert running.service.queue.images == 0
    assert refused.status_code == 503
    assert int(refused.headers["retry-after"]) >= 1
    assert took < 2
    assert found == [200] * 3


def test_what_waited_is_answered_in_one_batch(serving: Serving, held: threading.Event) -> None:
    with serving() as running, running.client() as client:
        object.__setattr__(running.service.champion.model, "speed", Speed(8, 1.0))  # whatever was measured
        batcher = running.service.champion.batcher
        first, found = _in_background(client, 1)
        until(lambda: batcher.batches == 1)
        rest, others = _in_background(client, 4)
        until(lambda: running.service.queue.images == 5)
        held.set()
        for thread in (*first, *rest):
            thread.join()
        assert batcher.batches == 2
    assert found + others == [200] * 5


def test_a_request_that_takes_too_long_is_told_so_and_frees_its_place(serving: Serving, held: threading.Event) -> None:
    with serving(timeout_s=0.2) as running, running.client() as client:
        late = client.post("predict", content=png(0), headers=PNG)
        assert running.service.queue.images == 0
        held.set()
        until(lambda: client.post("predict", content=png(0), headers=PNG).status_code == 200)
    assert late.status_code == 503
    assert "within 0.2 s" in late.json()["error"]


def test_a_body_that_does_not_come_is_given_up(serving: Serving) -> None:
    with serving(timeout_s=0.3) as running:
        port = running.listener.getsockname()[1]
        with closing(socket.create_connection(("127.0.0.1", port), 10)) as slow:
            slow.sendall(b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nfew")
            assert slow.recv(4096).startswith(b"HTTP/1.1 408 ")


def test_others_can_only_reach_a_server_with_a_token(export: Path) -> None:
    with pytest.raises(ServeError, match="--token-file"):
        ServeOptions(Folder(export), host="0.0.0.0")
    assert ServeOptions(Folder(export), host="0.0.0.0", token=TOKEN).token == TOKEN


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"queue": 0}, "--queue must be at least 1"),
        ({"port": 70000}, "0 .any. to 65535, got 70000"),
        ({"share": 0.5}, "need a --challenger"),
        ({"challenger": Folder(Path())}, "either --share or --shadow"),
        ({"challenger": Folder(Path()), "share": 1.5}, "below 1, got 1.5"),
        ({"formats": ("PNGG",)}, "no image format PNGG; did you mean PNG"),
        ({"timeout_s": 0}, "above 0 s"),
    ],
)
def test_options_that_cannot_be(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ServeError, match=words):
        ServeOptions(Folder(Path()), **options)


def test_a_token_is_read_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text(TOKEN + "\n")
    assert read_token(path) == TOKEN
    path.write_text("short")
    with pytest.raises(ServeError, match="at least 16 characters"):
        read_token(path)
    with pytest.raises(ServeError, match="cannot be read"):
        read_token(tmp_path / "none")
