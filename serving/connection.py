"""HTTP on one connection, within limits: how much a client may send, and how long it may take, before it is known.

uvicorn's protocol has none for the head of a request: httptools keeps a header of any length until it ends.
"""

from enum import IntEnum
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from .guard import request_id_of, route_of
from .problems import BusyError, RefusedError
from .service import Service

HEAD_BYTES = 32 * 2**10  # of a request line and its headers; browsers and proxies stay below 16 KiB
HEADERS = 100  # as in Apache
URL_BYTES = 8 * 2**10
PIPELINED = 100  # requests of one connection that wait for their turn
HEAD_S = 10.0
_LINGER_S = 1.0  # a refused client may send so long until we hang up; at once, the answer would be lost with its bytes
_GRACE_S = 1.0  # the guard is first to tell a client that its body is late
_FLUSH_S = 5.0  # for answers that the client does not read


class Phase(IntEnum):
    """What a connection waits for; the lower, the sooner it is given up for a new one."""

    CLOSING = 0
    IDLE = 1
    HEAD = 2
    BODY = 3


class Connection(HttpToolsProtocol):
    """Args as uvicorn's; the application's lifespan puts its service into `app_state`.

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
        """Whether a whole request of this client waits for its answer."""
        return bool(self.pipeline) or (
            self.phase is not Phase.BODY and self.cycle is not None and not self.cycle.response_complete
        )

    @property
    def reading(self) -> bool:
        """Whether the application has the request whose body is being read."""
        return self.phase is Phase.BODY and self.cycle is not None and self.cycle.scope is self.scope

    def waiting(self) -> bool:
        """Whether the client is still there; asked from other threads, too."""
        return not self.transport.is_closing()

    def connection_made(self, transport: Any) -> None:
        """A client; it has as long for its first request as for the head of one."""
        super().connection_made(transport)
        self._wait(Phase.IDLE, HEAD_S)
        if not self._service.room.enter(self):
            self.end_with(BusyError("more connections than can be held; try again in a second"))
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nobody is there any more."""
        self._service.room.leave(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """What the client sent."""
        if self.deaf:
            return
        self._progress = False
        super().data_received(data)
        self._kept = 0 if self._progress else self._kept + len(data)
        if self._kept > HEAD_BYTES and not self.deaf:
            self.end_with(_head_too_large())

    def on_message_begin(self) -> None:
        """The first byte of a request."""
        self._progress = True
        super().on_message_begin()
        self._wait(Phase.HEAD, HEAD_S)
        if len(self.pipeline) >= PIPELINED:
            self._problem = BusyError(f"at most {PIPELINED} requests may wait on one connection")
            raise self._problem

    def on_headers_complete(self) -> None:
        """Begin on the request, if its head is no larger than may be."""
        self._progress = True
        self._wait(Phase.BODY, self._service.options.timeout_s + _GRACE_S)
        self._problem = self._too_much()
        if self._problem is not None:
            raise self._problem
        self.scope.setdefault("state", {})["connection"] = self
        self.begin_request()

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""
        self._progress = True
        self.take_body(body)

    def on_message_complete(self) -> None:
        """The request is whole."""
        self._progress = True
        self.stay()
        self.end_request()

    def begin_request(self) -> None:
        """Hand the request, of which the head is here, to the application."""
        super().on_headers_complete()

    def take_body(self, body: bytes) -> None:
        """Hand a piece of its body to the application."""
        super().on_body(body)

    def end_request(self) -> None:
        """Tell the application that it is whole."""
        super().on_message_complete()
        if not self.pipeline:
            self.flow.resume_reading()  # after a large body: else we would not see that the client hangs up

    def stay(self) -> None:
        """From now on the client may be idle for as long as uvicorn's `timeout_keep_alive`."""
        self._wait(Phase.IDLE, self.timeout_keep_alive)

    def answered(self) -> bool:
        """Whether an answer to the request that is being read has begun."""
        return self.reading and self.cycle.response_started

    def answer_last(self) -> None:
        """Close it after the answer that is to come."""
        self.cycle.keep_alive = False

    def on_response_complete(self) -> None:
        """It has its answer."""
        super().on_response_complete()
        if self.phase is Phase.IDLE:
            self.stay()

    def timeout_keep_alive_handler(self) -> None:
        """Nothing: `hang_up_if_late` does it."""

    def send_400_response(self, msg: str) -> None:
        """Answer what the parser could not read, or what was refused while it read."""
        self.end_with(self._problem or RefusedError(400, "this is not HTTP/1.1"))

    def hang_up_if_late(self, now: float) -> None:
        """Close it if its time is up; `now` is the loop's time."""
        if self.transport.is_closing() and self.phase is not Phase.CLOSING:
            self._wait(Phase.CLOSING, _FLUSH_S)
        elif now >= self.until and self.phase is Phase.CLOSING:
            self.transport.abort()
        elif now >= self.until and not self.owed:
            self._give_up()

    def push_out(self) -> None:
        """Close it now, to make room for another."""
        self.deaf = True
        self.transport.abort()

    def end_with(self, problem: RefusedError) -> None:
        """Answer with `problem`, unless there is another answer to come or begun, and read no more."""
        owed, self.deaf = self.owed, True
        if owed:
            self.answer_last()
        elif self.answered() or self.transport.is_closing():
            self.transport.close()
        else:
            self._answer_now(problem)

    def _answer_now(self, problem: RefusedError) -> None:
        if self.reading:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        url, headers = (b"", []) if self.phase is Phase.IDLE else (self.url, self.headers)
        request_id, route = request_id_of(dict(headers)), route_of(url.partition(b"?")[0].decode("latin-1"))
        self.transport.write(self._as_http(problem, request_id))
        self._service.metrics.requests(route, str(problem.status)).inc()
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
