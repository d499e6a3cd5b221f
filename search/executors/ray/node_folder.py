"""The folder of a coordinator on a node: models, and what its places write there."""

import fcntl
import os
import shutil
import stat
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import TextIO

_PREFIX, _LOCK = "hpo-node-", "lock"
OLD_S = 3600.0
"""The least age of a folder without a worker that is removed: another coordinator may just be about to begin there."""


def make_folder() -> Path:
    """Make a folder for this account alone, after those are removed that somebody left."""
    sweep(Path(tempfile.gettempdir()))
    return Path(tempfile.mkdtemp(prefix=_PREFIX))


def remove_folder(folder: Path) -> None:
    """Remove the folder of a coordinator that has ended."""
    shutil.rmtree(folder, ignore_errors=True)


def sweep(parent: Path) -> None:
    """Remove the folders of this account whose workers are all gone: of a coordinator or node that was killed."""
    for folder in parent.glob(f"{_PREFIX}*"):
        with suppress(OSError):
            status = folder.lstat()
            is_ours = stat.S_ISDIR(status.st_mode) and status.st_uid == os.getuid()
            if is_ours and time.time() - status.st_mtime > OLD_S and not _is_held(folder / _LOCK):
                shutil.rmtree(folder, ignore_errors=True)


def hold(folder: Path) -> TextIO:
    """Keep a folder from being swept until this process ends, or the file that is returned is closed."""
    lock = (folder / _LOCK).open("w")
    fcntl.flock(lock, fcntl.LOCK_SH)
    return lock


def _is_held(lock: Path) -> bool:
    try:
        with lock.open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False
