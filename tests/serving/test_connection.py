"""What one client can do to a connection, or with many of them: each limit, its answer, and that others are served."""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from typing import Any

import pytest
from hpo.serving import connection
from hpo.serving.bodies import image_files
from hpo.serving.problems import RefusedError

from .conftest import Running, png, until

Serving = Callable[..., Running]
PNG = png(0)
LINE = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n"
ASK = b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\nContent-Length: %d\r\n\r\n%b" % (
    len(PNG),
    PNG,
)


@pytest.fixture
def running(serving: Serving) -> Iterator[Running]:
    with serving(token="a-long-enough-secret") as started:
        yield started


def connect(running: Running) -> socket.socket:
    return socket.create_connection(("127.0.0.1", running.listener.getsockname()[1]), 10)


def send(client: socket.socket, *pieces: bytes) -> None:
    """Send all of it, unless the server hangs up first."""
    try:
        for piece in pieces:
            client.sendall(piece)
    except OSError:
        pass


def received(client: socket.socket) -> bytes:
    """All that comes until it hangs up."""
    content = b""
    try:
        while piece := client.recv(65536):
            content += piece
    except ConnectionResetError:
        pass
    return content


def last_answer(content: bytes) -> tuple[int, Any]:
    head, _, body = content[content.rindex(b"HTTP/1.1 ") :].partition(b"\r\n\r\n")
    assert b"connection: close" in head.lower()
    assert b"content-type: application/json" in head
    return int(head[9:12]), json.loads(body)


TOO_MUCH = {
    "a header without end": (431, [LINE, b"X: ", *[b"a" * 2**16] * 32]),
    "headers without end": (431, [LINE, *[b"X: a\r\n" * 2**12] * 32]),
    "a large header": (431, [LINE + b"X: " + b"a" * 2**15 + b"\r\n\r\n"]),
    "many headers": (431, [LINE + b"X: a\r\n" * 100 + b"\r\n"]),
    "a long path": (414, [b"GET /" + b"a" * 2**13 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n"]),
    "a path without end": (431, [b"GET /", *[b"a" * 2**16] * 32]),
    "a Content-Type of a MiB": (431, [LINE, b"Content-Type: multipart/form-data" + b";" * 2**20 + b"\r\n\r\n"]),
    "empty lines without end": (431, [b"\r\n" * 2**15] * 16),
    "no HTTP": (400, [b"\x16\x03\x01\x02\0\x01\0"]),
}


@pytest.mark.parametrize("name", TOO_MUCH)
def test_a_head_beyond_its_limits_is_refused_before_a_token_is_looked_at(name: str, running: Running) -> None:
    status, pieces = TOO_MUCH[name]
    with closing(connect(running)) as client:
        sender = threading.Thread(target=send, args=[client, *pieces])
        sender.start()
        told_status, told = last_answer(received(client))
        sender.join()
    assert told_status == status
    assert told["error"]
    assert told["request_id"]


def test_a_head_as_large_as_browsers_send_is_read(running: Running) -> None:
    large = LINE + b"Cookie: " + b"a" * 2**14 + b"\r\n" + b"X: a\r\n" * 90
    with closing(connect(running)) as client:
        for piece in (large[:100], large[100:9000], large[9000:], b"\r\n"):
            client.sendall(piece)
            time.sleep(0.01)
        assert client.recv(100).startswith(b"HTTP/1.1 200 ")
        client.sendall(b"\r\n".join([ASK.replace(b"predict", b"nothing")] * 2) + LINE[:9])  # in one piece with others
        client.sendall(LINE[9:] + b"\r\n")
        until(lambda: b"200 OK" in client.recv(65536))


@pytest.mark.parametrize("pieces", [[], [LINE], [b"\r\n"]], ids=["nothing", "half a head", "an empty line"])
def test_a_head_that_does_not_come_is_given_up(
    pieces: list[bytes], running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "HEAD_S", 0.2)
    with closing(connect(running)) as client:
        send(client, *pieces)
        content = received(client)
    if pieces == [LINE]:
        status, told = last_answer(content)
        assert (status, "within 0.2 s" in told["error"]) == (408, True)
    else:
        assert content == b""
    until(lambda: not running.server.server_state.connections)


@pytest.mark.parametrize("token", [None, "a-long-enough-secret"])
def test_trailers_without_end_are_not_kept(token: str | None, serving: Serving) -> None:
    head = ASK[: ASK.index(b"Content-Length")] + b"Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX: "
    with serving(token=token) as running, closing(connect(running)) as client:
        sender = threading.Thread(target=send, args=[client, head, *[b"a" * 2**16] * 16])
        sender.start()
        content = received(client)
        sender.join()
    assert content.count(b"HTTP/1.1 ") == 1
    assert content[9:12] == (b"431" if token is None else b"401")


def test_who_goes_on_sending_a_refused_body_is_hung_up_on(serving: Serving) -> None:
    with serving(timeout_s=0.2) as running, closing(connect(running)) as client:
        client.sendall(b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999\r\n\r\n")
        assert client.recv(4096).startswith(b"HTTP/1.1 413 ")

        def hung_up() -> bool:
            send(client, b"a")
            return not running.server.server_state.connections

        until(hung_up)


def test_a_broken_request_waits_for_the_answer_of_the_one_before(serving: Serving, held: threading.Event) -> None:
    with serving() as running, closing(connect(running)) as client:
        client.sendall(ASK + b"no http\r\n\r\n")
        until(lambda: running.service.queue.images == 1)
        held.set()
        content = received(client)
    assert content.count(b"HTTP/1.1 ") == 1
    assert content.startswith(b"HTTP/1.1 200 ")


def test_requests_of_one_connection_that_wait_are_few(serving: Serving, held: threading.Event) -> None:
    with serving(queue=1000) as running, closing(connect(running)) as client:
        client.sendall(ASK + (LINE + b"\r\n") * 3000)
        until(lambda: running.service.queue.images == 1)
        held.set()
        content = received(client)
    assert content.count(b"HTTP/1.1 200 ") == 1 + connection.PIPELINED


def test_a_new_client_takes_the_place_of_an_idle_one_and_of_none_that_waits_for_an_answer(
    serving: Serving, held: threading.Event
) -> None:
    with serving() as running, ExitStack() as stack:
        running.service.room.most = 4
        asking, idle, slow, half = (stack.enter_context(closing(connect(running))) for _ in range(4))
        asking.sendall(ASK)
        idle.sendall(LINE + b"\r\n")
        until(lambda: b"alive" in idle.recv(4096))
        slow.sendall(ASK[:-1])
        half.sendall(LINE)
        until(lambda: running.service.queue.images == 1 and _phases(running) == [1, 1, 2, 3])
        for waiting, gone in enumerate((idle, half, slow), 2):  # in this order
            new = stack.enter_context(closing(connect(running)))
            assert received(gone) == b""
            new.sendall(ASK)
            until(lambda: running.service.admission.unanswered == waiting)  # noqa: B023
        held.set()
        assert asking.recv(4096).startswith(b"HTTP/1.1 200 ")


def test_where_all_wait_for_an_answer_one_more_is_told_to_come_again(serving: Serving, held: threading.Event) -> None:
    with serving() as running, ExitStack() as stack:
        running.service.room.most = 2
        asking = [stack.enter_context(closing(connect(running))) for _ in range(2)]
        for client in asking:
            client.sendall(ASK)
        until(lambda: running.service.queue.images == 2)
        status, told = last_answer(received(stack.enter_context(closing(connect(running)))))
        held.set()
        assert [client.recv(4096)[9:12] for client in asking] == [b"200", b"200"]
    assert status == 503
    assert "connections" in told["error"]


def _phases(running: Running) -> list[int]:
    return sorted(each.phase for each in running.server.server_state.connections)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("kind", "boundary"),
    [
        ("; boundary=b", "b"),
        ('; charset=utf-8;Boundary = "b c" ', "b c"),
        ('; x="; boundary=no" ; boundary="a\\"b"', 'a"b'),
        ("; boundary=", None),
        ('; boundary="open', None),
        ("; boundary=" + "b" * 71, None),
        (";" * 2**20, None),
        (' ; a="' * 2**17 + "; boundary=b", None),
        ("; a=b" * 2**17 + "; boundary=b", None),
    ],
)
def test_a_boundary_is_found_in_one_pass(kind: str, boundary: str | None) -> None:
    start = time.thread_time()
    if boundary is None:
        with pytest.raises(RefusedError, match="boundary of 1 to 70"):
            image_files(f"multipart/form-data{kind}", b"")
    else:
        part = b'Content-Disposition: form-data; name="f"; filename="a"\r\n\r\nfile'
        body = b"--%b\r\n%b\r\n--%b--" % (boundary.encode(), part, boundary.encode())
        assert image_files(f"multipart/form-data{kind}", body) == [b"file"]
    assert time.thread_time() - start < 2  # of this thread's own computing; quadratic it was 14
