"""Clients that send one request over and over: closed loops, and an open one for overload."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer: its status (0 where the connection was lost before it came), when it was asked for, its time."""

    status: int
    asked: float
    seconds: float
    body: bytes


@dataclass(slots=True)
class Connection(asyncio.Protocol):
    """A keep-alive connection with one request at a time; a general client is slow enough to be what is measured."""

    transport: asyncio.Transport | None = None
    _buffer: bytearray = field(default_factory=bytearray)
    _waiter: "asyncio.Future[tuple[int, bytes]] | None" = None
    closing: bool = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It is open."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """A piece of an answer."""
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0 or self._waiter is None:
            return
        head = bytes(self._buffer[:end]).lower()
        length = int(head.partition(b"content-length:")[2].split(b"\r\n", 1)[0])
        if len(self._buffer) < end + 4 + length:
            return
        body = bytes(self._buffer[end + 4 : end + 4 + length])
        self._buffer.clear()
        self.closing = b"connection: close" in head
        waiter, self._waiter = self._waiter, None
        if not waiter.done():
            waiter.set_result((int(head[9:12]), body))

    def connection_lost(self, exc: Exception | None) -> None:
        """The server hung up, or never answered."""
        self.closing = True
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result((0, b""))

    async def ask(self, request: bytes) -> Reply:
        """Send `request` and wait for its answer."""
        asked = time.perf_counter()
        self._waiter = asyncio.get_running_loop().create_future()
        assert self.transport is not None
        self.transport.write(request)
        status, body = await self._waiter
        return Reply(status, asked, time.perf_counter() - asked, body)

    def close(self) -> None:
        """Hang up."""
        if self.transport is not None:
            self.transport.close()


async def connect(port: int) -> Connection:
    """A new connection to this machine."""
    _, connection = await asyncio.get_running_loop().create_connection(Connection, "127.0.0.1", port)
    return connection


def closed_loop(port: int, request: bytes, clients: int, seconds: float) -> list[Reply]:
    """What `clients` get who each send the next request when they have an answer."""

    async def client(until: float, replies: list[Reply]) -> None:
        connection = await connect(port)
        while time.perf_counter() < until:
            if connection.closing:
                try:
                    connection = await connect(port)
                except ConnectionRefusedError:
                    return  # the server has ended; nothing was sent
            replies.append(await connection.ask(request))
        connection.close()

    async def run() -> list[Reply]:
        replies: list[Reply] = []
        until = time.perf_counter() + seconds
        await asyncio.gather(*(client(until, replies) for _ in range(clients)))
        return replies

    return asyncio.run(run())


def open_loop(port: int, request: bytes, rate: float, seconds: float, connections: int = 512) -> list[Reply]:
    """What comes back when requests are sent at `rate` per second, whether earlier ones are answered or not.

    A request for which none of `connections` is free is not sent; asking for more would measure the client.
    """

    async def run() -> list[Reply]:
        free = [await connect(port) for _ in range(connections)]
        replies: list[Reply] = []
        tasks: set[asyncio.Task[None]] = set()

        async def ask(connection: Connection) -> None:
            replies.append(await connection.ask(request))
            free.append(connection if not connection.closing else await connect(port))

        start = time.perf_counter()
        sent = 0
        while (now := time.perf_counter() - start) < seconds:
            while sent < now * rate and free:
                task = asyncio.create_task(ask(free.pop()))
                tasks.add(task)
                task.add_done_callback(tasks.discard)
                sent += 1
            await asyncio.sleep(0.001)
        await asyncio.gather(*tasks)
        for connection in free:
            connection.close()
        return replies

    return asyncio.run(run())


def percentile_ms(replies: Sequence[Reply], percent: float) -> float:
    """A percentile of the times of `replies`, in milliseconds."""
    return float(np.percentile([reply.seconds for reply in replies], percent) * 1000)
