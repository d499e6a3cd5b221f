"""What a request is called in answers, logs and metrics: its id and its route."""

import re
import secrets
import time
from collections.abc import Mapping

OPEN = frozenset(
    {"/", "/docs", "/health", "/healthz", "/openapi.json", "/readyz", "/v2/health/live", "/v2/health/ready"}
)
"""Paths that need no token: they tell nothing about the model or anyone's images. So do those below `/docs`."""

_REQUEST_ID = re.compile(rb"[\w.:-]{1,128}")
_ROUTES = frozenset({*OPEN, "/predict", "/metrics", "/status", "/monitor", "/feedback", "/v2"})


def request_id_of(headers: Mapping[bytes, bytes]) -> str:
    """Return the client's request id, or a new one.

    The client's counts if it is a plain word.

    A new one begins with the time, as RFC 9562 has it for UUIDs of version 7: ids in the order of their making keep
    together in an index of the log, and ids at random would rewrite all of it again and again.
    """
    client_id = headers.get(b"x-request-id", b"")
    if _REQUEST_ID.fullmatch(client_id):
        return client_id.decode()
    return f"{time.time_ns() // 1_000_000:012x}{secrets.token_hex(10)}"


def route_of(path: str) -> str:
    """Return the route of `path` as a metric's label.

    Labels must be few: each is a time series of its own.
    """
    if path in _ROUTES:
        return path
    return "/v2/models" if path.startswith("/v2/models/") else "other"
