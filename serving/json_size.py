"""Bounds on the size of JSON, counted before it is parsed.

Parsed, JSON takes many times its bytes: a list of two takes 200, a number 40 (measured with pydantic's parser).
"""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute

from .problems import RefusedError

VALUES = 20_000  # of a body that is no tensor: 1,000 labels with their keys are 3,000
TENSOR_VALUES, TENSOR_LISTS = 2_000_000, 100_000  # 90 MiB and 70 ms, 20 MiB and 50 ms


def check_size(body: bytes, values: int = VALUES, lists: int = VALUES) -> None:
    """Refuse `body` with too many values or lists.

    It has too many with more commas than `values`, or more brackets and braces than `lists`.

    Those in texts count as well, which have hardly any in what is sent here.

    Raises:
        RefusedError: 413.
    """
    if (count := body.count(b",")) > values:
        raise RefusedError(413, f"at most {values:,} values are read from JSON, here are {count:,}{_way_out(values)}")
    if (count := body.count(b"[") + body.count(b"{")) > lists:
        raise RefusedError(413, f"at most {lists:,} lists and objects are read from JSON, here are {count:,}")


class BoundedRoute(APIRoute):
    """A route whose body is checked before FastAPI parses it."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler of a request."""
        answer = super().get_route_handler()

        async def bounded(request: Request) -> Response:
            check_size(await request.body())
            return await answer(request)

        return bounded


def _way_out(values: int) -> str:
    return "; send raw bytes (binary tensor data)" if values == TENSOR_VALUES else ""
