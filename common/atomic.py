"""Files that are written whole or not at all.

Every room writes through here what another process, or a run after a crash, may read.
"""

import os
from pathlib import Path


def write_atomic(path: Path, content: bytes) -> None:
    """Replace the file at `path` by `content`, whole or not at all.

    A reader, also one after a power cut, finds the old file or the new one.

    Raises:
        OSError: it could not be written, for example on a full disk; `path` is then as it was.
    """
    # in the same directory, since a rename is atomic only within one file system; the pid keeps two writers apart
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            # before the rename: some file systems would make the name durable first, and leave an empty file after a
            # power cut
            os.fsync(file.fileno())
        rename(temporary, path)
    # Ctrl-C, too, must leave no temporary file behind
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def rename(source: Path, target: Path) -> None:
    """Rename within one directory, durably."""
    source.replace(target)  # atomic: a reader sees one file or the other
    directory = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(directory)  # the rename itself lives in the directory
    finally:
        os.close(directory)
