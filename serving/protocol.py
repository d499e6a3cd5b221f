"""HTTP on one connection, with refusals before the application.

To refuse a request inside the application costs about a third of answering it, and a server that refuses most of what
it is asked would do little else. So requests for predictions are counted here from the moment they are whole, and one
too many is answered as soon as its headers are read; its body is thrown away as it comes.
"""

import random
from collections import deque
from typing import Any

from .admission import Visit
from .connection import Connection, Phase
from .request_labels import request_id_of, route_of

_PREDICTIONS = (b"/predict", b"/v2/models/")
_UNLIKE = frozenset({b"x-request-id", b"upgrade"})  # headers of a request that must be parsed


class Protocol(Connection):
    """A connection that refuses predictions under overload.

    Args as uvicorn's.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._visits: deque[Visit] = deque()  # of this connection's requests that are whole and unanswered
        self._refusing = False  # the request that is being read

    def data_received(self, data: bytes) -> None:
        """Refuse a request known byte by byte, or parse it."""
        # alone: nothing before it is unanswered, so its refusal cannot overtake an answer
        alone = self.phase is Phase.IDLE and not self._visits and not self.deaf
        if alone and self._full:
            route = self._service.refusals.route(data)
            if route is not None:
                self._refuse(f"{random.getrandbits(128):032x}", route)  # nothing is kept that it could give away
                self.stay()
                return
        if self.phase is Phase.IDLE:
            self._refusing = False
        super().data_received(data)
        if self._refusing:
            headers = dict(self.headers)
            if alone and self.phase is Phase.IDLE and not _UNLIKE & headers.keys():
                self._service.refusals.remember(data, headers.get(b"content-length", b"0"), self._route)

    def on_message_begin(self) -> None:
        """Begin on a request that is not refused so far."""
        self._refusing = False
        super().on_message_begin()

    def begin_request(self) -> None:
        """Refuse the request or begin on it."""
        self._refusing = self._full and self._refusable()
        if self._refusing:
            self._refuse(request_id_of(dict(self.headers)), self._route)
        else:
            super().begin_request()

    def take_body(self, body: bytes) -> None:
        """Pass on a piece of the body, or drop a refused one's."""
        if not self._refusing:
            super().take_body(body)

    def end_request(self) -> None:
        """Count the request in: from now on it waits for us."""
        if self._refusing:
            return
        if not self.cycle.response_complete:
            self._visits.append(self._service.admission.enter())
        super().end_request()

    def answered(self) -> bool:
        """Tell whether the answer to the request being read has begun."""
        return self._refusing or super().answered()

    def on_response_complete(self) -> None:
        """Count the request out."""
        if self._visits:
            self._service.admission.answered(self._visits.popleft())
        super().on_response_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Count all requests of the connection out."""
        self._service.admission.leave(len(self._visits))
        self._visits.clear()
        super().connection_lost(exc)

    @property
    def _full(self) -> bool:
        return self._service.admission.full and not self._service.draining

    @property
    def _route(self) -> str:
        return route_of(self.url.partition(b"?")[0].decode("latin-1"))

    def _refusable(self) -> bool:
        """Tell whether the request can be refused here.

        It is one for a prediction, and the connection can go on after a refusal.
        """
        parser = self.parser
        return (
            self.url.startswith(_PREDICTIONS)
            and parser is not None
            and parser.get_method() == b"POST"
            and parser.get_http_version() == "1.1"
            and parser.should_keep_alive()
            and not self.expect_100_continue
            and (self.cycle is None or self.cycle.response_complete)  # else its answer would overtake another's
        )

    def _refuse(self, request_id: str, route: str) -> None:
        self.transport.write(self._service.refusals.answer(self.server_state.default_headers, request_id.encode()))
        self._service.metrics.requests(route, "503").inc()
        self._service.admission.refused()
