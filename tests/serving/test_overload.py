"""More requests than can be answered: who is refused, how, and what the refused notice."""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest
from hpo.serving import admission
from hpo.serving.admission import Admission
from hpo.serving.protocol import Protocol
from hpo.serving.refusals import Refusals

from .conftest import Running, png, until

Serving = Callable[..., Running]
PNG = png(0)
HEAD = "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\nContent-Length: {length}\r\n{more}\r\n"


class Client:
    """A raw connection, so that what is on the wire is seen."""

    def __init__(self, running: Running) -> None:
        self.socket = socket.create_connection(("127.0.0.1", running.listener.getsockname()[1]), 20)
        self._buffer = b""

    def send(self, path: str = "/predict", body: bytes = PNG, more: str = "", claimed: int | None = None) -> None:
        length = len(body) if claimed is None else claimed
        self.socket.sendall(HEAD.format(path=path, length=length, more=more).encode() + body)

    def answer(self) -> tuple[int, dict[str, str], Any]:
        """The next answer: status, headers, JSON."""
        while (end := self._buffer.find(b"\r\n\r\n")) < 0:
            self._more()
        first, *lines = self._buffer[:end].decode().split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in lines)
        whole = end + 4 + int(headers["content-length"])
        while len(self._buffer) < whole:
            self._more()
        body, self._buffer = self._buffer[end + 4 : whole], self._buffer[whole:]
        return int(first.split()[1]), headers, json.loads(body)

    def _more(self) -> None:
        data = self.socket.recv(65536)
        assert data, "hung up"
        self._buffer += data

    def close(self) -> None:
        self.socket.close()


@pytest.fixture
def crowded(serving: Serving, held: threading.Event) -> Iterator[tuple[Running, list[Client]]]:
    """A server with a queue of three, and the three who wait in it."""
    with serving(queue=3) as running:
        waiting = [Client(running) for _ in range(3)]
        for client in waiting:
            client.send()
        until(lambda: running.service.admission.unanswered == 3)
        yield running, waiting
        held.set()
        for client in waiting:
            client.close()


@pytest.mark.parametrize("path", ["/predict", "/predict?top=2", "/v2/models/shades/infer"])
def test_one_too_many_is_refused_before_anything_is_done_for_it(
    path: str, crowded: tuple[Running, list[Client]], held: threading.Event
) -> None:
    running, waiting = crowded
    with closing(Client(running)) as late:
        late.send(path)
        status, headers, told = late.answer()
        assert len(running.server.server_state.tasks) == 3
    held.set()
    assert [client.answer()[0] for client in waiting] == [200] * 3
    assert status == 503
    assert headers["content-type"] == "application/json"
    assert headers["retry-after"] == "1"
    assert headers["x-request-id"] == told["request_id"]
    assert "try again" in told["error"]


def test_the_refused_hears_its_own_request_id_and_is_counted(crowded: tuple[Running, list[Client]]) -> None:
    running, _ = crowded
    with closing(Client(running)) as late:
        late.send(more="X-Request-ID: mine-7\r\n")
        _, headers, told = late.answer()
        with running.client() as client:
            metrics = client.get("metrics").text
    assert told["request_id"] == headers["x-request-id"] == "mine-7"
    assert 'hpo_requests_total{route="/predict",status="503"} 1.0' in metrics


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


def test_answers_keep_the_order_of_requests_on_one_connection(
    crowded: tuple[Running, list[Client]], held: threading.Event
) -> None:
    running, waiting = crowded
    waiting[0].send(more="X-Request-ID: second\r\n")
    with closing(Client(running)) as other:
        other.send()
        assert other.answer()[0] == 503
    held.set()
    first, second = waiting[0].answer(), waiting[0].answer()
    assert first[0] == 200
    assert second[1]["x-request-id"] == "second"


def test_health_and_metrics_answer_when_predictions_are_refused(crowded: tuple[Running, list[Client]]) -> None:
    running, _ = crowded
    with running.client() as client:
        assert client.post("predict", content=PNG, headers={"Content-Type": "image/png"}).status_code == 503
        assert [client.get(path).status_code for path in ("healthz", "readyz", "status", "metrics")] == [200] * 4


def test_a_client_that_says_goodbye_or_expects_a_signal_is_refused_as_it_asked(
    crowded: tuple[Running, list[Client]],
) -> None:
    running, _ = crowded
    with closing(Client(running)) as late:
        late.send(more="Connection: close\r\n")
        status, headers, _ = late.answer()
        assert (status, headers["connection"]) == (503, "close")
        assert late.socket.recv(1) == b""


def test_who_hangs_up_frees_its_place(crowded: tuple[Running, list[Client]]) -> None:
    running, waiting = crowded
    waiting[1].close()
    until(lambda: running.service.admission.unanswered == 2)


def test_a_slow_body_takes_no_place(serving: Serving) -> None:
    with serving(queue=1) as running, closing(Client(running)) as slow, running.client() as client:
        slow.send(body=PNG[:10], claimed=len(PNG))
        until(lambda: len(running.server.server_state.tasks) == 1)
        assert client.post("predict", content=PNG, headers={"Content-Type": "image/png"}).status_code == 200
        slow.socket.sendall(PNG[10:])
        assert slow.answer()[0] == 200


def test_a_burst_may_fill_the_queue_but_when_it_overflows_few_may_wait_for_longer_and_longer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [100.0]
    monkeypatch.setattr(admission.time, "monotonic", lambda: now[0])
    door = Admission(64)
    for short_s in (1, 2, 4):
        assert _room(door) == 64
        door.refused()
        now[0] += short_s - 0.1
        door.refused()  # changes nothing, else clients that try again at once would keep it short for ever
        assert _room(door) == 2
        now[0] += 0.2
    now[0] += 1
    assert _room(door) == 64
    door.refused()  # not at once: a burst like the first
    now[0] += 1.1
    assert _room(door) == 64


@pytest.mark.parametrize("limit", [1, 3])
def test_a_short_queue_is_never_longer_than_was_asked_for(limit: int) -> None:
    door = Admission(limit)
    assert _room(door) == limit
    door.refused()
    assert _room(door) == min(limit, 2)


@pytest.mark.parametrize(
    ("lone_s", "of_two_s", "of_many_s", "few"),
    [
        (0.001, 0.003, 0.009, {1}),  # two are late already
        (0.001, 0.002, 0.009, {2}),
        (0.001, 0.001, 0.002, {8}),  # as many as may wait at all
    ],
)
def test_under_overload_as_many_may_wait_as_are_answered_in_time(
    lone_s: float, of_two_s: float, of_many_s: float, few: set[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [100.0]
    monkeypatch.setattr(admission.time, "monotonic", lambda: now[0])
    door = Admission(8)

    def answer(*, waiting: int) -> None:
        door.unanswered = 0
        visits = [door.enter() for _ in range(waiting)]
        now[0] += {1: lone_s, 2: of_two_s}.get(waiting, of_many_s)
        for visit in visits:
            door.answered(visit)

    for _ in range(500):
        answer(waiting=1)
    while not door.full:
        door.enter()
    door.refused()
    late = door.enter()  # it was let in before, and says nothing of a short queue
    door._short_until = 1e9
    door.answered(late._replace(began=90.0))
    found = []
    for _ in range(3_000):
        found.append(_room(door))
        answer(waiting=found[-1])
    assert few <= set(found[-200:]) <= few | {min(few) + 1}
    assert found[-200:].count(min(few)) >= 100


def test_what_a_lone_request_takes_is_learnt_without_overload_only(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(admission.time, "monotonic", lambda: now[0])
    door = Admission(8)
    for _ in range(50):  # one of two hundred takes three times as long
        for took in (0.01,) * 199 + (0.03,):
            visit = door.enter()
            now[0] += took
            door.answered(visit)
    assert 0.009 < door._lone_s < 0.02
    learnt = door._lone_s
    door.refused()
    door._short_until = 1e9
    visit, other = door.enter(), door.enter()
    now[0] += 1
    door.answered(visit)
    door.answered(other)
    assert door._lone_s == learnt
    assert door.unanswered == 0


def _room(door: Admission) -> int:
    """How many are let in before the door is shut."""
    door.unanswered = 0
    while not door.full:
        door.unanswered += 1
    return door.unanswered
