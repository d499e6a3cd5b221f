"""The spool: a study's events on disk, with a cursor.

Each event is a line of JSON.

    runs/<study>/spool.jsonl                what concerns the study
    runs/<study>/trials/<n>/spool.jsonl     what concerns trial n
    .../spool.cursor                        how much of it is in MLflow, and in which run

A line is one `write` to a file opened for appending: it is there when the process is killed right after. A line cut off
by a power failure is closed by the next writer and skipped by the reader. The cursor may be lost or stale at any time,
since sending again is harmless (see mlflow_store.py); so it is not synced to the disk.
"""

import json
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ....common.bounded import JSON_BYTES, read_bytes
from ....common.private import no_link
from ...home import Home

READ_BYTES = 1 << 20
"""How much of a spool is sent in one batch, about 5,000 epochs: all of it is in memory at once."""


@dataclass(frozen=True, slots=True)
class Line:
    """One event: its kind, its time (ms since 1970) and its facts.

    Kinds are `study`, `start`, `epoch`, `note`, `pause`, `end` and `finish`. Spools are read by later versions: kinds
    and the names of facts stay as they are.
    """

    kind: str
    time_ms: int
    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Cursor:
    """The position up to which a spool has been sent.

    `store` names the tracking store, so that another one gets everything from the start; `offset` is in bytes; `epoch`
    the highest epoch sent; `artifact_uri` the address of the run's files, relative to the home where it is inside.
    """

    store: str
    offset: int = 0
    run_id: str = ""
    artifact_uri: str = ""
    epoch: int = 0


class SpoolWriter:
    """The appending of events to one spool.

    It never raises: `failed` counts the events that the disk did not take.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._handle: int | None = None
        self.failed = 0

    def append(self, kind: str, facts: Mapping[str, Any]) -> None:
        """Write one event, stamped now."""
        line = {"kind": kind, "t": time.time_ns() // 1_000_000, **facts}
        try:
            data = json.dumps(line, default=str, separators=(",", ":")).encode() + b"\n"
            if self._handle is None:
                self._handle = _open(self._path)
            # note: no more than one call per line; a second one could be cut off from the first by a kill
            if os.write(self._handle, data) != len(data):  # the disk is full
                os.write(self._handle, b"\n")
                self.failed += 1
        except (OSError, ValueError, TypeError):
            self.failed += 1

    def close(self) -> None:
        """Free the file; the next `append` opens it again."""
        if self._handle is not None:
            with suppress(OSError):
                os.close(self._handle)
            self._handle = None


def _open(path: Path) -> int:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = no_link(str(path), os.O_CREAT | os.O_RDWR | os.O_APPEND)
    # a line that was cut off is closed, so that the next one does not become part of it
    size = os.fstat(handle).st_size
    if size and os.pread(handle, 1, size - 1) != b"\n":
        os.write(handle, b"\n")
    return handle


def spool_path(home: Home, study: str, number: int | None) -> Path:
    """Return the path of the spool of trial `number` (None: the study)."""
    directory = home.study(study) if number is None else home.trial(study, number)
    return directory / "spool.jsonl"


def spooled_trials(home: Home, study: str) -> list[int]:
    """Return the trials of `study` that have a spool, in order."""
    spools = home.study(study, "trials").glob("*/spool.jsonl")
    return sorted(int(path.parent.name) for path in spools if path.parent.name.isdecimal())


def read_events(path: Path, offset: int) -> tuple[Sequence[Line], int]:
    """Return the whole lines from byte `offset`, and the offset after them.

    READ_BYTES at most, but for a single longer line. A last line without an end is left for later; a line that is no
    event is passed over.
    """
    try:
        with path.open("rb") as file:
            file.seek(offset)
            data = file.read(READ_BYTES)
            while data and b"\n" not in data and (more := file.read(READ_BYTES)):
                data += more
    except OSError:
        return (), offset
    whole = data[: data.rfind(b"\n") + 1]
    return tuple(_parsed(whole)), offset + len(whole)


def unsent(path: Path, store: str) -> int:
    """Count the events of a spool not yet sent to `store`."""
    count, offset = 0, read_cursor(path, store).offset
    while True:
        events, after = read_events(path, offset)
        if after == offset:
            return count
        count, offset = count + len(events), after


def read_cursor(spool: Path, store: str) -> Cursor:
    """Return the cursor of a spool.

    It is at the start where there is none, it cannot be read, or it is about another store.
    """
    try:
        cursor = Cursor(**json.loads(read_bytes(_cursor_path(spool), JSON_BYTES)))
        size = spool.stat().st_size
    except (OSError, ValueError, TypeError):
        return Cursor(store)
    # a spool that is shorter than its cursor was replaced, such as by an older copy of the home
    return cursor if cursor.store == store and cursor.offset <= size else Cursor(store)


def write_cursor(spool: Path, cursor: Cursor) -> None:
    """Replace the cursor of a spool, whole or not at all."""
    path = _cursor_path(spool)
    temporary = path.with_name(".spool.cursor.new")
    temporary.write_text(json.dumps(asdict(cursor)))
    temporary.replace(path)


def _cursor_path(spool: Path) -> Path:
    return spool.with_name("spool.cursor")


def _parsed(lines: bytes) -> Iterator[Line]:
    for line in lines.splitlines():
        try:
            facts = json.loads(line)
            yield Line(str(facts.pop("kind")), int(facts.pop("t")), facts)
        except (ValueError, KeyError, TypeError, AttributeError):  # cut off by a power failure
            continue
