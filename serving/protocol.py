"""HTTP on one connection: uvicorn's, with a door that costs next to nothing to close.

To refuse a request inside the application costs about a third of answering it, and a server that refuses most of what
it is asked would do little else. So requests for predictions are counted here from the moment they are whole, and one
too many is answered as soon as its headers are read; its body is thrown away as it comes.
"""

from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from .guard import request_id_of, route_of
from .problems import BusyError
from .service import Service

_PREDICTIONS = (b"/predict", b"/v2/models/")
_REFUSAL = BusyError().response("%s")
_HEAD = b"HTTP/1.1 503 Service Unavailable\r\n" + b"".join(
    b"%s: %s\r\n" % header for header in _REFUSAL.raw_headers if header[0] != b"content-length"
)


class Protocol(HttpToolsProtocol):
    """Args as uvicorn's; the application's lifespan puts its service into `app_state`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._service: Service = self.app_state["service"]
        self._unanswered = 0  # of this connection's requests that are whole
        self._refusing = False  # the request that is being read

    def data_received(self, data: bytes) -> None:
        """What the client sent; a refused client may stay as long as an answered one."""
        super().data_received(data)
        if self._refusing and not self.transport.is_closing():
            self._unset_keepalive_if_required()
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )

    def on_headers_complete(self) -> None:
        """Refuse the request or begin on it."""
        self._refusing = self._service.admission.full and self._refusable()
        if self._refusing:
            self._refuse()
        else:
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""
        if not self._refusing:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """From now on the request waits for us."""
        if self._refusing:
            return
        if not self.cycle.response_complete:
            self._unanswered += 1
            self._service.admission.unanswered += 1
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """It has its answer."""
        self._let_go(min(self._unanswered, 1))
        super().on_response_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nobody waits any more."""
        self._let_go(self._unanswered)
        super().connection_lost(exc)

    def _let_go(self, requests: int) -> None:
        self._unanswered -= requests
        self._service.admission.unanswered -= requests

    def _refusable(self) -> bool:
        """Whether it is one for a prediction, and the connection can go on after a refusal."""
        parser = self.parser
        return (
            self.url.startswith(_PREDICTIONS)
            and parser is not None
            and parser.get_method() == b"POST"
            and parser.get_http_version() == "1.1"
            and parser.should_keep_alive()
            and not self.expect_100_continue
            and not self._service.draining
            and (self.cycle is None or self.cycle.response_complete)  # else its answer would overtake another's
        )

    def _refuse(self) -> None:
        request_id = request_id_of(dict(self.headers)).encode()
        body = bytes(_REFUSAL.body) % request_id
        default = b"".join(b"%s: %s\r\n" % header for header in self.server_state.default_headers)
        own = b"x-request-id: %s\r\ncontent-length: %d\r\n\r\n" % (request_id, len(body))
        self.transport.write(_HEAD + default + own + body)
        path = self.url.partition(b"?")[0].decode("latin-1")
        self._service.metrics.requests(route_of(path), "503").inc()
        self._service.admission.refused()
