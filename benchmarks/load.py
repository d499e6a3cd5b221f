"""Load from many clients: closed loops, and an open one for overload.

Each sends one request over and over.

Plain sockets under epoll: at ten thousand requests a second a general client would be what is measured.
"""

import select
import socket
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

_PATIENCE_S = 5.0  # for the last answers


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer.

    Its status (0 where the connection was lost before it came), when it was asked for, its time.
    """

    status: int
    asked: float
    seconds: float
    body: bytes


class Connection:
    """A keep-alive connection with one request at a time."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.setblocking(False)
        # without it a small request may wait for the acknowledgement of the one before
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = b""
        self._asked: float | None = None
        self._last = False
        self.closing = False

    def fileno(self) -> int:
        """Return the file descriptor, for epoll."""
        return self._socket.fileno()

    def ask(self, request: bytes, *, last: bool) -> None:
        """Send `request`, which is small enough for the socket's buffer.

        Nothing is sent after the `last`.
        """
        self._asked, self._last = time.perf_counter(), last
        try:
            sent = self._socket.send(request)
        except ConnectionError:
            return  # the next `read` gives status 0
        assert sent == len(request)

    def read(self) -> Reply | None:
        """Return the answer, once it is whole."""
        try:
            data = self._socket.recv(65536)
        except BlockingIOError:
            return None
        except ConnectionError:
            data = b""
        self._buffer += data
        if not data:
            self.closing = True
            return None if self._asked is None else self._reply(0, b"")
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0 or self._asked is None:
            return None
        head = self._buffer[:end].lower()
        length = int(head.partition(b"content-length:")[2].split(b"\r\n", 1)[0])
        if len(self._buffer) < end + 4 + length:
            return None
        self.closing = self._last or b"connection: close" in head
        return self._reply(int(head[9:12]), self._buffer[end + 4 : end + 4 + length])

    def give_up(self, after_s: float) -> Reply | None:
        """Wait no longer, if the answer takes more than `after_s`."""
        if self._asked is None or time.perf_counter() - self._asked < after_s:
            return None
        self.closing = True
        return self._reply(0, b"")

    def close(self) -> None:
        """Hang up."""
        self._socket.close()

    def _reply(self, status: int, body: bytes) -> Reply:
        assert self._asked is not None
        reply = Reply(status, self._asked, time.perf_counter() - self._asked, body)
        self._asked, self._buffer = None, b""
        return reply


class Crowd:
    """Connections to one port, watched together.

    A lost one is made anew as long as the port is open.
    """

    def __init__(self, port: int, size: int) -> None:
        self._port = port
        self._poll = select.epoll()
        self._open: dict[int, Connection] = {}
        self.idle: deque[Connection] = deque()
        for _ in range(size):
            self._connect()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for connection in self._open.values():
            connection.close()
        self._poll.close()

    @property
    def asking(self) -> int:
        """Count the connections that wait for an answer."""
        return len(self._open) - len(self.idle)

    def ask(self, request: bytes, *, last: bool = False) -> None:
        """Send `request` on the connection that has been idle the longest.

        The `last` one ends it.
        """
        self.idle.popleft().ask(request, last=last)

    def replies(self, patience_s: float) -> list[Reply]:
        """Return the replies that have come.

        With none at hand, wait for so long.
        """
        replies: list[Reply] = []
        for file, _ in self._poll.poll(patience_s):
            connection = self._open[file]
            reply = connection.read()
            if reply is not None:
                replies.append(reply)
            if connection.closing:
                if reply is None:
                    self.idle.remove(connection)
                self._replace(connection)
            elif reply is not None:
                self.idle.append(connection)
        return replies

    def give_up(self, after_s: float) -> list[Reply]:
        """Hang up where an answer takes more than `after_s`."""
        replies: list[Reply] = []
        for connection in list(self._open.values()):
            if (reply := connection.give_up(after_s)) is not None:
                replies.append(reply)
                self._replace(connection)
        return replies

    def _replace(self, connection: Connection) -> None:
        self._poll.unregister(connection)
        del self._open[connection.fileno()]
        connection.close()
        self._connect()

    def _connect(self) -> None:
        try:
            connection = Connection(self._port)
        except ConnectionRefusedError:
            return  # the server has ended; nothing was sent
        self._open[connection.fileno()] = connection
        self._poll.register(connection, select.EPOLLIN)
        self.idle.append(connection)


def closed_loop(port: int, request: bytes, clients: int, seconds: float) -> list[Reply]:
    """Return the replies to `clients` who each wait for an answer.

    They send the next request when they have one, until no server is there.
    """
    replies: list[Reply] = []
    with Crowd(port, clients) as crowd:
        until = time.perf_counter() + seconds
        while time.perf_counter() < until and (crowd.idle or crowd.asking):
            while crowd.idle:
                crowd.ask(request)
            replies += crowd.replies(max(0.0, until - time.perf_counter()))
        last = time.perf_counter() + _PATIENCE_S
        while crowd.asking and time.perf_counter() < last:
            replies += crowd.replies(0.1)
    return replies


def open_loop(port: int, request: bytes, rate: float, seconds: float, connections: int = 512) -> list[Reply]:
    """Send requests at `rate` per second, and return the replies.

    Whether earlier ones are answered or not.

    A request for which none of `connections` is free is not sent.
    """
    replies: list[Reply] = []
    with Crowd(port, connections) as crowd:
        start = time.perf_counter()
        due = 0.0  # requests; those that could not be sent are not made up for
        while (now := time.perf_counter() - start) < seconds:
            # else a stall of the server would be followed by a burst that no real clients send
            due = max(due, now * rate - connections)
            while due < now * rate and crowd.idle:
                crowd.ask(request)
                due += 1
            replies += crowd.replies(0)
        while crowd.asking and time.perf_counter() - start < seconds + _PATIENCE_S:
            replies += crowd.replies(0.1)
    return replies


def percentile_ms(replies: Sequence[Reply], percent: float) -> float:
    """Return a percentile of the replies' times in ms; inf of none."""
    if not replies:
        return float("inf")  # on a busy machine no answer may come within the half second of a smoke run
    return float(np.percentile([reply.seconds for reply in replies], percent) * 1000)
