"""Refusals: the one JSON form of every failed request."""

import json
from collections.abc import Mapping

from starlette.responses import Response


class RefusedError(Exception):
    """A request that is not answered.

    Args:
        status: the HTTP status.
        message: what was wrong and what would be right.
        headers: further ones of the response.
    """

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status, self.message, self.headers = status, message, dict(headers or {})

    def response(self, request_id: str) -> Response:
        """Return the refusal as HTTP.

        `error` is a text, as the Open Inference Protocol wants it.
        """
        body = json.dumps({"error": self.message, "request_id": request_id})
        return Response(body, self.status, self.headers, media_type="application/json")


class BusyError(RefusedError):
    """A request beyond what the queue may hold."""

    def __init__(self, message: str = "more requests than can be answered; try again in a second") -> None:
        super().__init__(503, message, {"Retry-After": "1"})


class FaultError(RefusedError):
    """A bug of the server.

    The client learns only that it is ours; its traceback is logged.
    """

    def __init__(self) -> None:
        super().__init__(500, "a fault of the server; its log has the rest under this request_id")
