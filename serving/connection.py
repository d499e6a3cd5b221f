"""HTTP on one connection, with limits on size and time.

uvicorn's protocol has none for the head of a request: httptools keeps a header of any length until it ends.
"""

from enum import IntEnum
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from .problems import BusyError, RefusedError
from .request_labels import request_id_of, route_of
from .service import Service

HEAD_BYTES = 32 * 2**10  # of a request line and its headers; browsers and proxies stay below 16 KiB
HEADERS = 100  # as in Apache
URL_BYTES = 8 * 2**10  # nginx and Apache read no longer ones by default
PIPELINED = 100  # requests of one connection that wait for their turn; each keeps its head, and its body if read
HEAD_S = 10.0  # for a head to be whole: it comes in a packet or two, and a client that drips bytes is given up
_LINGER_S = 1.0  # a refused client may send so long until we hang up; at once, the answer would be lost with its bytes
_GRACE_S = 1.0  # the guard is first to tell a client that its body is late
_FLUSH_S = 5.0  # for answers that the client does not read


class Phase(IntEnum):
    """The phase of a connection; lower ones are given up sooner."""

    CLOSING = 0
    IDLE = 1
    HEAD = 2
    BODY = 3


class Connection(HttpToolsProtocol):
    """uvicorn's HTTP protocol with limits.

    Args are uvicorn's; the application's lifespan puts its service into `app_state`.

    `until` is when the client is given up, by the loop's clock, unless it is owed an answer; `deaf` says that nothing
    more of what it sends is read.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._service: Service = self.app_state["service"]
        self.phase, self.until = Phase.IDLE, 0.0
        self._progress = False  # the parser has passed something on
        self._kept = 0  # bytes that it has taken since, and may have kept
        self.deaf = False
        self._problem: RefusedError | None = None

    @property
    def owed(self) -> bool:
        """Tell whether a whole request waits for its answer."""
        return bool(self.pipeline) or (
            self.phase is not Phase.BODY and self.cycle is not None and not self.cycle.response_complete
        )

    @property
    def reading(self) -> bool:
        """Tell whether the application awaits the body being read."""
        return self.phase is Phase.BODY and self.cycle is not None and self.cycle.scope is self.scope

    def waiting(self) -> bool:
        """Tell whether the client is still there.

        Asked from other threads, too.
        """
        return not self.transport.is_closing()

    def connection_made(self, transport: Any) -> None:
        """Take a client in, or refuse it.

        It has as long for its first request as for the head of one.
        """
        super().connection_made(transport)
        self._wait(Phase.IDLE, HEAD_S)
        if not self._service.room.enter(self):
            self.end_with(BusyError("more connections than can be held; try again in a second"))
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the client."""
        self._service.room.leave(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse what the client sent, unless it is no longer listened to."""
        if self.deaf:
            return
        self._progress = False
        super().data_received(data)
        # what the parser passed on it keeps no more; a header without an end grows here
        self._kept = 0 if self._progress else self._kept + len(data)
        if self._kept > HEAD_BYTES and not self.deaf:
            self.end_with(_head_too_large())

    def on_message_begin(self) -> None:
        """Begin to time the head of a request."""
        self._progress = True
        super().on_message_begin()
        self._wait(Phase.HEAD, HEAD_S)
        if len(self.pipeline) >= PIPELINED:
            self._problem = BusyError(f"at most {PIPELINED} requests may wait on one connection")
            raise self._problem

    def on_headers_complete(self) -> None:
        """Begin on the request, if its head is within limits."""
        self._progress = True
        self._wait(Phase.BODY, self._service.options.timeout_s + _GRACE_S)
        self._problem = self._too_much()
        if self._problem is not None:
            raise self._problem
        self.scope.setdefault("state", {})["connection"] = self
        self.begin_request()

    def on_body(self, body: bytes) -> None:
        """Pass on a piece of the body."""
        self._progress = True
        self.take_body(body)

    def on_message_complete(self) -> None:
        """Note that the request is whole."""
        self._progress = True
        self.stay()
        self.end_request()

    def begin_request(self) -> None:
        """Hand the head of the request to the application."""
        super().on_headers_complete()

    def take_body(self, body: bytes) -> None:
        """Hand a piece of the body to the application."""
        super().on_body(body)

    def end_request(self) -> None:
        """Tell the application that the request is whole."""
        super().on_message_complete()
        if not self.pipeline:
            self.flow.resume_reading()  # after a large body: else we would not see that the client hangs up

    def stay(self) -> None:
        """Let the client be idle for uvicorn's `timeout_keep_alive`."""
        self._wait(Phase.IDLE, self.timeout_keep_alive)

    def answered(self) -> bool:
        """Tell whether the answer to the request being read has begun."""
        return self.reading and self.cycle.response_started

    def answer_last(self) -> None:
        """Close the connection after the answer that is to come."""
        self.cycle.keep_alive = False

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        super().on_response_complete()
        if self.phase is Phase.IDLE:
            self.stay()

    def timeout_keep_alive_handler(self) -> None:
        """Leave idle clients to `hang_up_if_late`."""

    def send_400_response(self, msg: str) -> None:
        """Answer an unreadable or refused request."""
        self.end_with(self._problem or RefusedError(400, "this is not HTTP/1.1"))

    def hang_up_if_late(self, now: float) -> None:
        """Close the connection if its time is up.

        `now` is the loop's time.
        """
        if self.transport.is_closing() and self.phase is not Phase.CLOSING:
            self._wait(Phase.CLOSING, _FLUSH_S)
        elif now >= self.until and self.phase is Phase.CLOSING:
            self.transport.abort()
        elif now >= self.until and not self.owed:
            self._give_up()

    def push_out(self) -> None:
        """Close the connection now, to make room for another."""
        self.deaf = True
        self.transport.abort()

    def end_with(self, problem: RefusedError) -> None:
        """Answer with `problem` and read no more.

        Unless another answer is to come or has begun.
        """
        owed, self.deaf = self.owed, True
        if owed:
            self.answer_last()
        elif self.answered() or self.transport.is_closing():
            self.transport.close()
        else:
            self._answer_now(problem)

    def _answer_now(self, problem: RefusedError) -> None:
        if self.reading:
            # the application, which waits for the body, wakes up and finds that the client is gone
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        url, headers = (b"", []) if self.phase is Phase.IDLE else (self.url, self.headers)
        request_id, route = request_id_of(dict(headers)), route_of(url.partition(b"?")[0].decode("latin-1"))
        self.transport.write(self._as_http(problem, request_id))
        self._service.metrics.requests(route, str(problem.status)).inc()
        # our side alone is closed: a client that still sends is not reset before it has read its answer
        self.transport.write_eof()
        self._wait(Phase.IDLE, _LINGER_S)

    def _give_up(self) -> None:
        if self.phase is Phase.HEAD:
            self.end_with(RefusedError(408, f"the head of a request must be here within {HEAD_S:g} s"))
        else:
            self.transport.close()

    def _wait(self, phase: Phase, seconds: float) -> None:
        self.phase, self.until = phase, self.loop.time() + seconds

    def _too_much(self) -> RefusedError | None:
        if len(self.url) > URL_BYTES:
            return RefusedError(414, f"at most {URL_BYTES // 2**10} KiB of path and query are read")
        if len(self.headers) > HEADERS:
            return RefusedError(431, f"at most {HEADERS} headers are read, got {len(self.headers)}")
        if len(self.url) + sum([len(name) + len(value) for name, value in self.headers]) > HEAD_BYTES:
            return _head_too_large()
        return None

    def _as_http(self, problem: RefusedError, request_id: str) -> bytes:
        response = problem.response(request_id)
        own = [(b"x-request-id", request_id.encode()), (b"connection", b"close")]
        headers = [*self.server_state.default_headers, *response.raw_headers, *own]
        lines = b"".join(b"%s: %s\r\n" % header for header in headers)
        return STATUS_LINE[problem.status] + lines + b"\r\n" + bytes(response.body)


def _head_too_large() -> RefusedError:
    return RefusedError(431, f"at most {HEAD_BYTES // 2**10} KiB of headers are read")
