"""An answer that comes before the request is whole reaches the client, who is still sending."""

import http.client
import socket
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing

import httpx
import pytest
import requests
from hpo.serving import guard

from .conftest import Running

Serving = Callable[..., Running]
Ask = Callable[[str, bytes], tuple[int, str]]
MIB = 2**20
TOKEN = "a-long-enough-secret"


def by_urllib(url: str, body: bytes) -> tuple[int, str]:
    request = urllib.request.Request(url, body, {"Content-Type": "image/png", "Authorization": f"Bearer {TOKEN}"})
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request, timeout=30)
    return caught.value.code, caught.value.read().decode()


def by_requests(url: str, body: bytes) -> tuple[int, str]:
    answer = requests.post(url, body, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=30)
    return answer.status_code, answer.text


def by_httpx(url: str, body: bytes) -> tuple[int, str]:
    answer = httpx.post(url, content=body, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=30)
    return answer.status_code, answer.text


def in_chunks(url: str, body: bytes) -> tuple[int, str]:
    pieces = (body[begin : begin + 2**16] for begin in range(0, len(body), 2**16))
    answer = requests.post(url, pieces, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=30)
    return answer.status_code, answer.text


CLIENTS = {"urllib": by_urllib, "requests": by_requests, "httpx": by_httpx, "in chunks": in_chunks}


@pytest.fixture
def running(serving: Serving) -> Iterator[Running]:
    with serving(max_body_mb=1, token=TOKEN) as started:
        yield started


@pytest.mark.parametrize("name", CLIENTS)
def test_a_body_too_large_is_answered_to_every_client(name: str, running: Running) -> None:
    status, text = CLIENTS[name](f"{running.url}predict", bytes(12 * MIB))
    assert (status, "at most 1 MiB are read" in text) == (413, True)


def test_a_path_that_is_not_there_is_one_of_them(running: Running) -> None:
    status, text = by_urllib(f"{running.url}predictions", bytes(MIB))
    assert (status, "Not Found" in text) == (404, True)


@pytest.mark.parametrize("closes", [True, False])
@pytest.mark.parametrize(
    ("head", "status"),
    [("Authorization: Bearer wrong", 401), ("Host: evil.example", 403), ("Content-Encoding: gzip", 415)],
)
def test_so_is_every_other_refusal_of_a_head(head: str, status: int, closes: bool, running: Running) -> None:
    lines = {"Host": "localhost", "Authorization": f"Bearer {TOKEN}", "Connection": "close" if closes else "keep-alive"}
    name, _, value = head.partition(": ")
    with closing(http.client.HTTPConnection(*running.listener.getsockname(), timeout=30)) as client:
        client.request("POST", "/predict", bytes(12 * MIB), {**lines, name: value})
        answer = client.getresponse()
        assert (answer.status, "error" in answer.read().decode()) == (status, True)
        if not closes:  # the rest of the body is thrown away, and the connection goes on
            client.request("GET", "/healthz", headers={"Host": "localhost"})
            assert client.getresponse().status == 200


def begin(running: Running, length: int) -> tuple[socket.socket, bytes]:
    """A client who has its answer before anything of the body is sent."""
    client = socket.create_connection(running.listener.getsockname(), 20)
    head = f"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n"
    client.sendall(head.encode())
    answer = b""
    while not answer.endswith(b"}"):
        answer += client.recv(2**16)
    return client, answer


def gone(client: socket.socket) -> bool:
    """Whether the server closes it while we listen."""
    try:
        return client.recv(1) == b""
    except ConnectionResetError:
        return True


def test_it_may_send_so_many_bytes_and_no_more(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "_DROPPED_BYTES", 2 * MIB)
    client, answer = begin(running, 4 * MIB)
    with closing(client):
        assert answer.startswith(b"HTTP/1.1 401")
        client.sendall(bytes(MIB))
        client.settimeout(0.3)
        with pytest.raises(TimeoutError):
            client.recv(1)
        client.settimeout(20)
        client.sendall(bytes(MIB + 1))
        assert gone(client)


def test_it_may_take_as_long_as_the_request_and_no_longer(serving: Serving) -> None:
    with serving(token=TOKEN, timeout_s=0.3) as running:
        client, answer = begin(running, MIB)
        with closing(client):
            assert answer.startswith(b"HTTP/1.1 401")
            assert gone(client)
