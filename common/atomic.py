"""Files that are either whole or not there; both `studies` and `training` write so."""

import os
from pathlib import Path


def write_atomic(path: Path, content: bytes) -> None:
    """Put `content` at `path` so that a reader, also one after a power cut, finds the old file or the whole new one.

    Raises:
        OSError: it could not be written, for example on a full disk; `path` is then as it was.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        rename(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def rename(source: Path, target: Path) -> None:
    """Rename within one directory and make the new name durable."""
    source.replace(target)
    directory = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(directory)  # the rename itself lives in the directory
    finally:
        os.close(directory)
