"""A server process: uvicorn with an end that answers every request."""

import asyncio
import logging
import os
import signal
import socket
import sys
import time
import warnings
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import Any

import uvicorn

from ..common.display import LogFormatter
from ..common.manifest import Manifest
from ..errors import ServeError
from .app import create_app
from .guard import Guard
from .heap import give_back_large_blocks
from .options import ServeOptions
from .pauses import avoid_pauses
from .prediction import PredictionLog
from .protocol import Protocol
from .service import Service

_QUIET_S = 1.0  # without any request: whoever keeps a connection open is not using it
_DRAIN_S = 5.0  # for clients that never stop asking; systemd and Docker kill after 90 and 10 s
_BACKLOG = 2048  # connections that wait to be accepted: uvicorn's default, twice what is held

logger = logging.getLogger("hpo.serving")
MakeLog = Callable[[], PredictionLog]
"""Makes the log of predictions inside the process that serves; pickled into every worker."""


class Server(uvicorn.Server):
    """uvicorn's server with a gentler end.

    uvicorn resets the connections that wait to be accepted and closes those that seem idle, and a request on its way on
    one of them is lost. Here whatever had connected is accepted, and nothing else: a later client is refused before it
    sends anything. Every answer then says `Connection: close`, and what is left when nobody asks any more is closed.
    """

    def __init__(self, config: uvicorn.Config, service: Service, ready: Callable[[], None] = lambda: None) -> None:
        super().__init__(config)
        self._service, self._ready = service, ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen; from here on signals are handled.

        Only now clients can connect.

        Raises:
            ServeError: another server was quicker to listen at the address.
        """
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
        try:
            await super().startup(sockets)
        except OSError as error:
            raise ServeError(f"cannot listen: {error.strerror}") from error
        self._ready()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Handle a signal: the first ends gently, a second Ctrl-C at once.

        SIGTERM is a good end, with exit code 0.
        """
        if sig == signal.SIGINT:
            super().handle_exit(sig, frame)
        else:
            self.should_exit = True

    async def on_tick(self, counter: int) -> bool:
        """Hang up on late clients; tell whether to end.

        Called ten times a second.
        """
        if counter % 10 == 0:
            self._service.room.hang_up_on_late(asyncio.get_running_loop().time())
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept who has connected, let them ask and leave, then close."""
        self._service.draining = True
        for listener in sockets or []:
            await self._stop_accepting(listener)
        until = time.monotonic() + _DRAIN_S
        quiet_since, requests_so_far = time.monotonic(), -1
        while self.server_state.connections and time.monotonic() < until and not self.force_exit:
            if self.server_state.tasks or self.server_state.total_requests != requests_so_far:
                quiet_since, requests_so_far = time.monotonic(), self.server_state.total_requests
            if time.monotonic() - quiet_since > _QUIET_S:
                break
            await asyncio.sleep(0.02)
        await super().shutdown(sockets)

    async def _stop_accepting(self, listener: socket.socket) -> None:
        """Close `listener` after the last connection in its backlog.

        Between the last look at who waits and its end there is no pause.
        """
        accepted: list[socket.socket] = []
        with socket.socket(fileno=os.dup(listener.fileno())) as last:
            last.setblocking(False)
            for server in self.servers:
                server.close()
            listener.close()
            with suppress(BlockingIOError):
                while True:
                    accepted.append(last.accept()[0])
        for connection in accepted:
            await asyncio.get_running_loop().connect_accepted_socket(self._protocol, connection)

    def _protocol(self) -> asyncio.Protocol:
        """Return a protocol for one connection, made as uvicorn makes it."""
        make: Any = self.config.http_protocol_class
        state, app_state = self.server_state, self.lifespan.state
        protocol: asyncio.Protocol = make(config=self.config, server_state=state, app_state=app_state)
        return protocol


def bind(options: ServeOptions) -> socket.socket:
    """Bind the socket that will listen; workers share one.

    Until a server is ready clients are refused: one that had connected before would lose its request if the server
    were ended while it loads its model.

    Raises:
        ServeError: the address cannot be had.
    """
    family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((options.host.strip("[]"), options.port))
    except OSError as error:
        listener.close()
        raise ServeError(f"cannot listen on {options.host} port {options.port}: {error.strerror}") from error
    return listener


def address(listener: socket.socket) -> str:
    """Return the URL for a browser."""
    host, port = listener.getsockname()[:2]
    host = {"0.0.0.0": "localhost", "::": "localhost"}.get(host, f"[{host}]" if ":" in host else host)
    return f"http://{host}:{port}/"


def describe(service: Service) -> str:
    """Describe the models in service in a line."""
    return ", ".join(f"{arm.name} {_title(arm.model.manifest)}" for arm in service.arms)


def _title(manifest: Manifest) -> str:
    trial = "" if manifest.trial is None else f" trial {manifest.trial}"
    return f"{manifest.study}{trial} ({manifest.model_version})"


def serve(options: ServeOptions, listener: socket.socket, make_log: MakeLog, say: Callable[[str], None]) -> None:
    """Serve in this process until a signal.

    Raises:
        ServeError: a model cannot be served.
        KeyboardInterrupt: it was ended by Ctrl-C, all requests answered.
    """
    warnings.filterwarnings("ignore", module="PIL")  # about odd metadata of clients' images
    log = logging.StreamHandler(sys.stderr)
    log.setFormatter(LogFormatter("%(asctime)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[log])
    logger.setLevel(logging.INFO)
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)  # it warns of every request that is no HTTP
    give_back_large_blocks()
    service = Service(options, make_log())
    app = configuration(create_app(service), options)
    server = Server(app, service, ready=lambda: say(f"serving {describe(service)} at {address(listener)}"))
    avoid_pauses()
    server.run([listener])


def configuration(app: Guard, options: ServeOptions) -> uvicorn.Config:
    """Return uvicorn's configuration.

    No access log (the metrics count), no websockets, no trust in proxies' headers.
    """
    return uvicorn.Config(
        app,
        http=Protocol,
        lifespan="on",
        ws="none",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        backlog=_BACKLOG,
        timeout_graceful_shutdown=int(options.timeout_s) + 1,
    )
