"""Files that are written whole or not at all.

Every room writes through here what another process, or a run after a crash, may read.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

UNFINISHED = ".tmp"


def write_atomic(path: Path, content: bytes) -> None:
    """Replace the file at `path` by `content`, whole or not at all.

    A reader, also one after a power cut, finds the old file or the new one.

    Raises:
        OSError: it could not be written, for example on a full disk; `path` is then as it was.
    """
    with replacing(path) as file:
        file.write(content)


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Yield a file that takes the place of `path` once the block has ended well, as in `write_atomic`.

    Raises:
        OSError: it could not be written; `path` is then as it was, as after any other error.
    """
    # in the same directory, since a rename is atomic only within one file system; the pid keeps two writers apart
    temporary = path.with_name(f".{path.name}.{os.getpid()}{UNFINISHED}")
    try:
        with temporary.open("wb") as file:
            yield file
            file.flush()
            # before the rename: some file systems would make the name durable first, and leave an empty file after a
            # power cut
            os.fsync(file.fileno())
        rename(temporary, path)
    # Ctrl-C, too, must leave no temporary file behind
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def is_unfinished(path: Path) -> bool:
    """Whether a file is one that is being written, or was as its writer was killed."""
    return path.name.startswith(".") and path.suffix == UNFINISHED


def rename(source: Path, target: Path) -> None:
    """Rename within one directory, durably."""
    source.replace(target)  # atomic: a reader sees one file or the other
    directory = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(directory)  # the rename itself lives in the directory
    finally:
        os.close(directory)
