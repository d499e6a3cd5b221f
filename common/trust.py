"""The account's record of code it may run, by SHA-256.

It holds what this account's hpo made or was told to run; whatever else could run code is data to it.

The record lies outside every home: one that was copied from somebody would bring its own. A line is a digest, a space,
and for people, as JSON, when it came and what it is of.
"""

import fcntl
import json
import os
from datetime import UTC, datetime
from pathlib import Path

from ..errors import StudyError
from .atomic import write_atomic

_MAX_BYTES = 2**22  # some 20,000 lines; then the older half is forgotten
_DIGITS = 64
_allowed: set[str] = set()


def record_path() -> Path | None:
    """Return the path of the record, by default below ~/.local/state.

    It is `$XDG_STATE_HOME/hpo/record` where that is set.

    None where the account has no home directory. A relative path would be taken from a folder that anyone may have
    made, so there is no such record.
    """
    state = Path(os.environ.get("XDG_STATE_HOME", ""))
    if not state.is_absolute():
        try:
            state = Path("~/.local/state").expanduser()
        except RuntimeError:  # no home directory
            return None
    return state / "hpo" / "record" if state.is_absolute() else None


def is_on_record(digest: str) -> bool:
    """Tell whether `digest` is on record, or allowed in this process."""
    return digest in _allowed or digest in {line[:_DIGITS] for line in _lines(record_path())}


def allow(digest: str) -> None:
    """Allow `digest` in this process only; nothing is written."""
    _allowed.add(digest)


def allowed_here() -> tuple[str, ...]:
    """Return the digests that this process alone may run.

    They are for the children that work for it.
    """
    return tuple(sorted(_allowed))


def put_on_record(digest: str, what: str) -> None:
    """Record that code with `digest` may be run from now on.

    `what` tells people what it is.

    Raises:
        StudyError: the record cannot be written.
    """
    path, advice = record_path(), "set XDG_STATE_HOME to a folder that can be"
    if path is None:
        raise StudyError(f"there is no home directory to keep the record in; {advice}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with path.with_name(".lock").open("w") as lock:
            # two processes would otherwise each write the record with their own line and lose the other's
            fcntl.flock(lock, fcntl.LOCK_EX)
            _add(path, digest, what)
    except OSError as error:
        raise StudyError(f"{path}: the record cannot be written: {error.strerror}; {advice}") from error


def _add(path: Path, digest: str, what: str) -> None:
    lines = _lines(path)
    if any(line[:_DIGITS] == digest for line in lines):
        return
    if sum(map(len, lines)) > _MAX_BYTES:
        lines = lines[len(lines) // 2 :]
    note = json.dumps([datetime.now(UTC).isoformat(timespec="seconds"), what])  # in ASCII, and on one line
    write_atomic(path, "".join(f"{line}\n" for line in [*lines, f"{digest} {note}"]).encode())
    path.chmod(0o600)


def _lines(path: Path | None) -> list[str]:
    try:
        return path.read_text(encoding="ascii", errors="replace").splitlines() if path else []
    except OSError:
        return []  # nothing is on a record that is not there
