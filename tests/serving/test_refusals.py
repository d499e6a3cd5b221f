"""Connections that were refused a prediction: what they may send next, and when they are hung up on."""

import threading
import time
from contextlib import closing

import pytest
from hpo.serving.protocol import Protocol
from hpo.serving.refusals import Refusals

from .conftest import HEAD, PNG, Client, Running, until


def test_who_asks_again_is_refused_without_being_parsed_and_answered_when_there_is_room(
    crowded: tuple[Running, list[Client]], held: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    running, waiting = crowded
    parsed: list[bytes] = []
    begin = Protocol.on_url
    monkeypatch.setattr(Protocol, "on_url", lambda self, url: (parsed.append(url), begin(self, url)))
    with closing(Client(running)) as late, closing(Client(running)) as other:
        told = []
        for client in (late, late, other, late):
            client.send()
            told.append(client.answer())
        assert parsed == [b"/predict"]
        assert [status for status, _, _ in told] == [503] * 4
        assert len({body["request_id"] for _, _, body in told}) == 4
        for _, headers, body in told:
            assert headers["x-request-id"] == body["request_id"]
            assert {name: told[0][1][name] for name in headers if name not in ("x-request-id", "date")} == {
                name: headers[name] for name in headers if name not in ("x-request-id", "date")
            }
        with running.client() as client:
            assert 'hpo_requests_total{route="/predict",status="503"} 4.0' in client.get("metrics").text
        held.set()
        assert [client.answer()[0] for client in waiting] == [200] * 3
        late.send()
        assert late.answer()[0] == 200


@pytest.mark.parametrize("cut", [1, 30, -20])
def test_what_only_looks_like_a_refused_request_is_parsed(
    cut: int, crowded: tuple[Running, list[Client]], held: threading.Event
) -> None:
    """In pieces, two at once, with an id of its own: all are answered, none is taken for another."""
    running, _ = crowded
    whole = HEAD.format(path="/predict", length=len(PNG), more="").encode() + PNG
    with closing(Client(running)) as late:
        late.send()
        assert late.answer()[0] == 503
        late.socket.sendall(whole[:cut])
        time.sleep(0.05)
        late.socket.sendall(whole[cut:] + whole)
        assert [late.answer()[0] for _ in range(2)] == [503] * 2
        late.send(more="X-Request-ID: a\r\n")
        late.send(more="X-Request-ID: b\r\n")
        assert [late.answer()[2]["request_id"] for _ in range(2)] == ["a", "b"]
        late.socket.sendall(whole[:-1])
        held.set()
        until(lambda: running.service.admission.unanswered == 0)
        late.socket.sendall(whole[-1:] + whole)
        assert late.answer()[0] == 503  # decided at its headers
        assert late.answer()[0] == 200


def test_refusals_remember_a_bounded_number_of_heads() -> None:
    refusals = Refusals()
    for number in range(1_000):
        request = b"POST /predict?%d HTTP/1.1\r\nContent-Length: 2\r\n\r\nok" % number
        refusals.remember(request, b"2", "/predict")
        assert refusals.route(request) == "/predict"
        assert refusals.route(request + b"G") is None
    assert len(refusals._refused_heads) <= 256
    long = b"POST /predict HTTP/1.1\r\nX: " + bytes(5_000) + b"\r\n\r\n"
    refusals.remember(long, b"0", "/predict")
    assert refusals.route(long) is None


def test_a_refused_client_that_asks_no_more_is_hung_up_on(crowded: tuple[Running, list[Client]]) -> None:
    running, _ = crowded
    with closing(Client(running)) as late:
        late.send()
        assert late.answer()[0] == 503
        for connection in running.server.server_state.connections:
            if isinstance(connection, Protocol):
                connection.timeout_keep_alive = 1
        late.socket.settimeout(0.4)
        for _ in range(4):  # as long as it asks it may stay
            late.send()
            assert late.answer()[0] == 503
            with pytest.raises(TimeoutError):
                late.socket.recv(1)
        late.socket.settimeout(20)
        assert late.socket.recv(1) == b""


def test_a_refused_client_whose_body_came_late_is_hung_up_on_too(crowded: tuple[Running, list[Client]]) -> None:
    running, _ = crowded
    with closing(Client(running)) as late:
        late.send(body=b"", claimed=20)
        assert late.answer()[0] == 503
        for connection in running.server.server_state.connections:
            if isinstance(connection, Protocol):
                connection.timeout_keep_alive = 1
        for _ in range(2):
            late.socket.sendall(bytes(10))
            time.sleep(0.1)
        late.socket.settimeout(20)
        assert late.socket.recv(1) == b""


@pytest.mark.parametrize("tail", [b"\r\n", b"\r\n\r\n"])
def test_what_follows_a_refused_request_is_not_taken_for_a_part_of_it(
    tail: bytes, crowded: tuple[Running, list[Client]]
) -> None:
    """An empty line after the body means nothing; the same head with the next request's first bytes there is two."""
    head = HEAD.format(path="/predict", length=len(PNG), more="").encode() + PNG
    with closing(Client(crowded[0])) as late:
        late.socket.sendall(head + tail)
        assert late.answer()[0] == 503
        late.socket.sendall(tail)
        late.socket.sendall(head + head[: len(tail)])
        assert late.answer()[0] == 503
        late.socket.sendall(head[len(tail) :])
        assert late.answer()[0] == 503


def test_a_refused_body_is_thrown_away_as_it_comes_and_the_connection_goes_on(
    crowded: tuple[Running, list[Client]], held: threading.Event
) -> None:
    running, waiting = crowded
    with closing(Client(running)) as late:
        late.send(body=b"", claimed=300_000)
        assert late.answer()[0] == 503
        for _ in range(3):
            late.socket.sendall(bytes(100_000))
        held.set()
        assert [client.answer()[0] for client in waiting] == [200] * 3
        late.send()
        assert late.answer()[0] == 200
