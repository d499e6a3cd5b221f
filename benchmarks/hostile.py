"""A million hostile requests to `hpo serve`.

None may end it, meet a fault of ours, or cost memory.

Images of every kind and mode, bombs and headers that lie among them, are sent as files, in forms and in JSON, most with
bytes changed, cut, doubled or put in, one in ten with the request's own head among what is changed. Then single
requests that cost little to send and much to read, each to a server of its own, while another client asks.

    python benchmarks/hostile.py
"""

import argparse
import base64
import io
import itertools
import json
import os
import random
import struct
import tempfile
import time
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import psutil
from bombs import Effect, attacks, measure_attack, row
from exports import make_export
from harness import Target, arguments, finish, table
from http_requests import FORM, SIZE, form, multipart, request
from load import Crowd, closed_loop
from PIL import Image
from servers import OURS, running

IMAGES = 500  # different ones, before mutation
_LOOK_S = 0.5  # between two looks at memory and at connections that wait too long
_PATIENCE_S = 1.0
CROWD = 32  # connections: half of the server's queue, so that few requests are refused unread
MODES = {
    "PNG": ("1", "L", "LA", "P", "RGB", "RGBA", "I;16"),
    "JPEG": ("L", "RGB", "CMYK"),
    "GIF": ("L", "P"),
    "WEBP": ("RGB", "RGBA"),
    "BMP": ("1", "L", "P", "RGB"),
    "TIFF": ("L", "RGB", "CMYK"),  # a format that is not read here
}
PATHS = ("/predict", "/v2/models/benchmark/infer", "/predict?top=2", "/predict?top=x", "/", "/status", "/nothing")
KINDS = ("image/png", FORM, "application/json", "image/jpeg", "text/plain", "\x7f")


@dataclass(slots=True)
class Outcome:
    """The answers to all requests, with the server's memory."""

    statuses: Counter[int] = field(default_factory=Counter)
    memory_mib: list[float] = field(default_factory=list)
    seconds: float = 0.0


def images(count: int, dice: random.Random) -> list[bytes]:
    """Make image files of every format and mode.

    One in eight is a bomb or one whose header lies.
    """
    kinds = [(kind, mode) for kind, modes in MODES.items() for mode in modes]
    files = []
    for kind, mode in itertools.islice(itertools.cycle(kinds), count):
        size = dice.choice([(1, 1), (SIZE, SIZE), (200, 3), (97, 130)])
        shades = np.random.default_rng(dice.randrange(2**32)).integers(0, 256, (*size[::-1], 3), np.uint8)
        picture = Image.fromarray(shades)
        picture = picture.convert("L").convert("I").convert(mode) if mode == "I;16" else picture.convert(mode)
        buffer = io.BytesIO()
        picture.save(buffer, kind)
        files.append(lying_png(dice) if dice.random() < 1 / 8 else buffer.getvalue())
    return files


def lying_png(dice: random.Random) -> bytes:
    """Make a small PNG that promises up to 2^31 pixels a side."""
    width, height = (dice.choice([0, 1, 4999, 20_000, 2**31 - 1]) for _ in range(2))
    header = struct.pack(">IIBBBBB", width, height, dice.choice([1, 8, 16]), dice.choice([0, 2, 3, 6]), 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(1000))), (b"IEND", b""))
    packed = (
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)) for name, body in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(packed)


def mutated(content: bytes, dice: random.Random) -> bytes:
    """Change `content` in up to four places."""
    changed = bytearray(content)
    for _ in range(dice.randrange(5)):
        start, length = dice.randrange(len(changed) + 1), dice.randrange(1, 40)
        match dice.randrange(4):
            case 0 if start < len(changed):
                changed[start] = dice.randrange(256)
            case 1:
                del changed[start : start + length]
            case 2:
                changed[start:start] = changed[start : start + length]
            case _:
                changed[start:start] = dice.randbytes(length)
    return bytes(changed)


def requests(port: int, files: list[bytes], dice: random.Random) -> Iterator[tuple[bytes, bool]]:
    """Yield requests without end, each with whether its head was spared."""
    tensor = {"name": "images", "datatype": "UINT8", "shape": [1, 3, SIZE, SIZE], "data": [0] * (3 * SIZE * SIZE)}
    infer = json.dumps({"inputs": [tensor]}).encode()
    while True:
        file = dice.choice(files)
        in_json = json.dumps({"images": [base64.b64encode(file).decode()]}).encode()
        path, kind, body = dice.choice(
            [(PATHS[0], KINDS[0], file), (PATHS[0], FORM, multipart(file)), (PATHS[0], KINDS[2], in_json)] * 2
            + [(PATHS[1], KINDS[2], infer)]
        )
        if dice.random() < 1 / 4:
            path, kind = dice.choice(PATHS), dice.choice(KINDS)
        whole = request(port, path, kind, mutated(body, dice))
        spared = dice.random() > 0.1
        yield (whole if spared else mutated(whole, dice)), spared


def attack(port: int, pid: int, count: int, seconds: float, dice: random.Random) -> Outcome:
    """Send `count` requests, or as many as `seconds` allow."""
    outcome, looked = Outcome(), 0.0
    process = psutil.Process(pid)
    todo = itertools.islice(requests(port, images(min(IMAGES, count), dice), dice), count)
    start = time.monotonic()
    with Crowd(port, CROWD) as crowd:
        while crowd.asking or crowd.idle:  # else it has ended
            while crowd.idle and time.monotonic() - start < seconds:
                content, spared = next(todo, (b"", True))
                if not content:
                    break
                crowd.ask(content, last=not spared)
            outcome.statuses.update(reply.status for reply in crowd.replies(_LOOK_S))
            if time.monotonic() - looked > _LOOK_S:
                looked = time.monotonic()
                # where a broken request has no end the server waits for it
                outcome.statuses.update(reply.status for reply in crowd.give_up(_PATIENCE_S))
                outcome.memory_mib.append(process.memory_info().rss / 2**20)
            # all sent and all answered
            if not crowd.asking:
                break
    outcome.seconds = time.monotonic() - start
    return outcome


def rows(outcome: Outcome) -> Iterator[dict[str, str]]:
    """Yield the table: how often each answer was given."""
    for status, count in sorted(outcome.statuses.items()):
        yield {"answer": str(status or "hung up"), "requests": f"{count:,}"}


def bombs(export: Path, names: Sequence[str], around_s: float) -> dict[str, Effect]:
    """Send each attack to a fresh server that answers for `around_s` before and after it."""
    effects = {}
    for name in names:
        with running(OURS, export.parent, os.sched_getaffinity(0)) as (server, port):
            closed_loop(port, form(port), 1, min(0.5, around_s))
            effects[name] = measure_attack(attacks()[name], port, server.pid, around_s)
        print(row(name, effects[name]), flush=True)
    return effects


def main() -> None:
    parser = arguments("hostile", __doc__.splitlines()[0])
    parser.add_argument("--requests", type=int, default=1_000_000, help="how many (default 1,000,000)")
    parser.add_argument("--minutes", type=float, default=30.0, help="at most so long (default 30)")
    parser.add_argument("--seed", type=int, default=0, help="of all that is sent (default 0)")
    parser.add_argument("--attacks", nargs="*", default=list(attacks()), choices=list(attacks()), metavar="NAME")
    parser.add_argument("--around", type=float, default=1.0, help="seconds before and after an attack (default 1)")
    options: argparse.Namespace = parser.parse_args()
    if options.quick:
        options.requests, options.attacks, options.around = 500, options.attacks[:1], 0.25
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        make_export(folder / "export")
        with running(OURS, folder, os.sched_getaffinity(0)) as (server, port):
            outcome = attack(port, server.pid, options.requests, options.minutes * 60, random.Random(options.seed))
            alive = closed_loop(port, form(port), 1, 0.1)[-1].status == 200
        effects = bombs(folder / "export", options.attacks, options.around)
    sent = sum(outcome.statuses.values())
    settled = outcome.memory_mib[len(outcome.memory_mib) // 5 :]
    targets = [
        Target("requests", sent, options.requests),
        Target("faults of ours (500)", outcome.statuses[500], 0, at_most=True),
        Target("still there and right at the end", float(alive), 1),
        Target("growth of memory after the first fifth, MiB", settled[-1] - settled[0], 16, at_most=True),
    ]
    for name, each in effects.items():
        targets.append(Target(f"{name}: another client waits, s", each.worst_s, 1, at_most=True))
        targets.append(Target(f"{name}: it is refused", each.refused, 0, at_most=True))
        targets.append(Target(f"{name}: more memory, MiB", each.peak_mib - each.before_mib, 768, at_most=True))
    title = (
        f"{sent:,} requests in {outcome.seconds:.0f} s, seed {options.seed}; memory {settled[0]:.0f} MiB after a fifth"
    )
    attacked = [row(name, each) for name, each in effects.items()]
    print(f"\n{table(attacked)}")
    finish(options, title, list(rows(outcome)), targets, {"memory_mib": outcome.memory_mib, "attacks": attacked})


if __name__ == "__main__":
    main()
