"""The guard: checks that every request passes before any route.

Who may ask, how much they may send, how long it may take.

Browsers are the danger on a loopback address: a page on any site can send requests to it. So the Host must be one that
nobody else can point here (DNS rebinding), and an Origin, which browsers always send with a POST, must be our own page.
"""

import asyncio
import hmac
import ipaddress
import re
import socket
import time

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .connection import Connection
from .problems import BusyError, FaultError, RefusedError
from .request_labels import OPEN, request_id_of, route_of
from .service import Service

_BODIES = 8  # bodies of the largest size that are held at a time: 256 MiB by default
_DROPPED_BYTES = 256 * 2**20  # of a body that is not read; a few times what people send by mistake
_GONE = 499  # as nginx counts clients that hung up


class Guard:
    """The outermost ASGI application.

    `app` gets the request's id as `scope["state"]["request_id"]`.
    """

    def __init__(self, app: ASGIApp, service: Service) -> None:
        self._app, self._service = app, service
        options = service.options
        self._token = f"Bearer {options.token}".encode() if options.token else None
        self._hosts = {"localhost", socket.gethostname().lower(), options.host.lower(), *options.allowed_hosts}
        self._max_body = options.max_body_mb * 2**20

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or pass on a lifespan event."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = _Request(scope, receive, send, self._service, self._max_body)
        try:
            self._admit(scope["path"], request.headers)
            async with asyncio.timeout(self._service.options.timeout_s):
                await self._app(scope, request.receive, request.send)
        except RefusedError as problem:
            await request.refuse(problem)
        except TimeoutError:
            await request.refuse(request.late())
        except ClientDisconnect:
            request.status = _GONE
        except Exception:
            await request.refuse(FaultError())
            raise  # uvicorn logs it
        finally:
            request.count()
            await request.finish()

    def _admit(self, path: str, headers: dict[bytes, bytes]) -> None:
        host = headers.get(b"host", b"").decode("latin-1")
        if not self._names_us(host):
            raise RefusedError(403, f"the Host {host[:100]!r} is not one of this server's; see --allow-host")
        origin = headers.get(b"origin")
        if origin is not None and origin not in (b"http://" + host.encode(), b"https://" + host.encode()):
            raise RefusedError(403, "pages of other origins may not send requests here")
        authorization = headers.get(b"authorization", b"")
        if self._token and not is_open(path) and not hmac.compare_digest(authorization, self._token):
            raise RefusedError(401, "this needs `Authorization: Bearer <token>`", {"WWW-Authenticate": "Bearer"})
        # a compressed body could stand for a thousand times its bytes
        if headers.get(b"content-encoding", b"identity") != b"identity":
            raise RefusedError(415, "compressed bodies are not read here; send it without Content-Encoding")
        length = headers.get(b"content-length", b"")
        # before a byte of it is read; a body without a length is counted as it comes
        if length.isdigit() and int(length) > self._max_body:
            raise too_large(self._max_body)

    def _names_us(self, host: str) -> bool:
        """Tell whether `host` can only mean this machine.

        Whatever a stranger's DNS says: by address, or by a name we were given.
        """
        name = host.rpartition(":")[0] if re.search(r":\d+$", host) else host
        if name.lower() in self._hosts:
            return True
        try:
            ipaddress.ip_address(name.strip("[]"))
        except ValueError:
            return False
        return True


class _Request:
    """One request on its way: its limits, its answer so far."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, service: Service, max_body: int) -> None:
        self._receive, self._send, self._service, self._max_body = receive, send, service, max_body
        self.headers: dict[bytes, bytes] = dict(scope["headers"])
        self.id = request_id_of(self.headers)
        scope["state"]["request_id"] = self.id
        self._route = route_of(scope["path"])
        self._began, self._read, self._complete, self.status = time.perf_counter(), 0, False, 0
        self._connection: Connection = scope["state"]["connection"]
        self._early = False  # all of the answer but its end is sent

    async def receive(self) -> Message:
        """Return the next piece of the body, counted."""
        message = await self._receive()
        if message["type"] == "http.request":
            piece = len(message.get("body", b""))
            self._read += piece
            self._service.body_bytes += piece
            self._complete = not message.get("more_body", False)
            if self._read > self._max_body:
                raise too_large(self._max_body)
            if self._service.body_bytes > _BODIES * self._max_body:
                raise BusyError("too many large requests at once; try again in a second")
        return message

    async def send(self, message: Message) -> None:
        """Send the next piece of the answer, with our headers on it.

        `finish` sends its end to a client who still sends.
        """
        if message["type"] == "http.response.start":
            self.status = message["status"]
            extra = [(b"x-request-id", self.id.encode())]
            if self._service.draining:
                extra.append((b"connection", b"close"))
            message["headers"] = [*message.get("headers", ()), *extra]
        # the end is held back until the client has sent all: uvicorn would close the connection on it
        elif not message.get("more_body", False) and self._connection.reading:
            self._early, message = True, {**message, "more_body": True}
        await self._send(message)

    async def finish(self) -> None:
        """Read and drop what an answered client still sends.

        To close now would be a reset.

        A client who does not look for an answer until all is sent would see that alone (RFC 9112, section 9.6). The
        time for it is that of the request; beyond `_DROPPED_BYTES` it is closed all the same.
        """
        if not self._early:
            return
        dropped, more = 0, True
        while more and dropped <= _DROPPED_BYTES:
            message = await self._receive()
            dropped += len(message.get("body", b""))
            more = message.get("more_body", False)  # a client who is gone sends no more
        if more:
            self._connection.answer_last()
        await self._send({"type": "http.response.body", "body": b""})

    async def refuse(self, problem: RefusedError) -> None:
        """Answer with `problem`, unless an answer has begun."""
        if not self.status:
            await problem.response(self.id)({"type": "http"}, self._receive, self.send)

    def late(self) -> RefusedError:
        """Return the refusal when the time is up.

        It says whose fault it was.
        """
        seconds = f"{self._service.options.timeout_s:g} s"
        if not self._complete:
            return RefusedError(408, f"the request was not there within {seconds}", {"Connection": "close"})
        return RefusedError(503, f"no answer within {seconds}; try again later", {"Retry-After": "1"})

    def count(self) -> None:
        """Count the request in the metrics, and let its body go."""
        self._service.body_bytes -= self._read
        metrics = self._service.metrics
        metrics.requests(self._route, str(self.status)).inc()
        metrics.request_seconds(self._route).observe(time.perf_counter() - self._began)


def is_open(path: str) -> bool:
    """Tell whether `path` needs no token."""
    return path in OPEN or path.startswith("/docs/")


def too_large(max_body: int) -> RefusedError:
    """Return the refusal of a body above the limit."""
    return RefusedError(413, f"at most {max_body // 2**20} MiB are read; see --max-body-mb")
