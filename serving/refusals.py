"""Refusals under overload, and recognition of repeated requests.

Requests are known without being parsed.
"""

from collections.abc import Sequence

from .problems import BusyError

_ANSWER = BusyError().response("%s")
_STATUS = b"HTTP/1.1 503 Service Unavailable\r\n"
_BODY = bytes(_ANSWER.body)
_MOST, _LONGEST = 256, 4096  # heads that are remembered, and bytes of one: a MiB at most


class Refusals:
    """The heads of refused requests, and the answer to them.

    A client that is refused mostly sends the same again, byte by byte up to the body. So the heads of requests that
    were parsed and refused are remembered, with what their Content-Length makes of the whole: a request that begins
    with one of them and is as long is whole, and needs no parser to be refused.
    """

    def __init__(self) -> None:
        self._refused_heads: dict[bytes, tuple[int, str]] = {}  # by head: bytes of the whole request, route
        self._defaults: Sequence[tuple[bytes, bytes]] = ()
        self._first_lines = self._lines(())

    def route(self, request: bytes) -> str | None:
        """Return the route of a request refused before, or None.

        None where `request` is another, or not exactly one.
        """
        length, route = self._refused_heads.get(_head(request), (0, None))
        return route if length == len(request) else None

    def remember(self, request: bytes, content_length: bytes, route: str) -> None:
        """Remember the head of a refused request.

        Unless more or less than its body comes after it.
        """
        head = _head(request)
        if len(head) <= _LONGEST and content_length == b"%d" % (len(request) - len(head)):
            if len(self._refused_heads) == _MOST:
                self._refused_heads.clear()
            self._refused_heads[head] = (len(request), route)

    def answer(self, defaults: Sequence[tuple[bytes, bytes]], request_id: bytes) -> bytes:
        """Return the refusal as it is sent.

        `defaults` are the server's headers, a new list whenever they change.
        """
        if defaults is not self._defaults:
            self._defaults, self._first_lines = defaults, self._lines(defaults)
        body = _BODY % request_id
        return b"%sx-request-id: %s\r\ncontent-length: %d\r\n\r\n%s" % (self._first_lines, request_id, len(body), body)

    @staticmethod
    def _lines(defaults: Sequence[tuple[bytes, bytes]]) -> bytes:
        own = [header for header in _ANSWER.raw_headers if header[0] != b"content-length"]
        return _STATUS + b"".join(b"%s: %s\r\n" % header for header in (*own, *defaults))


def _head(request: bytes) -> bytes:
    return request[: request.find(b"\r\n\r\n") + 4]
