"""Measurements that are made once: the first answer is kept in a file, and counts for all."""

import json
import os
import platform
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from ...common.bounded import JSON_BYTES, read_bytes

T = TypeVar("T")


def measured_once(path: Path, measure: Callable[[], T], read: Callable[[Any], T], write: Callable[[T], Any]) -> T:
    """Return what is kept at `path`, else measure it and keep that.

    Of two processes that measure at once the first one's answer counts: all trials of a study must compute alike.
    `read` makes a measurement of JSON values, `write` the reverse; ValueError and TypeError of `read` say that the file
    is damaged, and it is measured again.
    """
    kept = _read(path, read)
    return _keep(path, measure(), read, write) if kept is None else kept


def _read(path: Path, read: Callable[[Any], T]) -> T | None:
    try:
        return read(json.loads(read_bytes(path, JSON_BYTES)))
    except (OSError, ValueError, TypeError):
        return None  # missing or damaged


def _keep(path: Path, measured: T, read: Callable[[Any], T], write: Callable[[T], Any]) -> T:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=".", delete=False) as draft:
        draft.write(json.dumps(write(measured)))
    with suppress(FileExistsError):
        os.link(draft.name, path)  # note: link, not rename: it fails where the file exists, in one step
    Path(draft.name).unlink()
    return _read(path, read) or measured


def processor() -> str:
    """Return the CPU's model name."""
    with suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    return platform.processor()
