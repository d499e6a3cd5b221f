"""Private folders and databases, whatever the umask.

Only their owner can read them; and files that are no links.

A group shares a home by making it first, with the set-group-ID bit (`chmod 2770 runs`): databases in such a folder are
the group's to read and write, as the folder is.
"""

import os
import stat
from contextlib import suppress
from pathlib import Path

OWNER_FOLDER, OWNER_FILE, GROUP_FILE = 0o700, 0o600, 0o660


def make_private_folder(path: Path) -> None:
    """Make the folder `path` and missing parents, mode 0700.

    One that exists is left as it is.

    Raises:
        OSError: it cannot be made.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileExistsError):
        path.mkdir(OWNER_FOLDER)
        path.chmod(OWNER_FOLDER)  # a umask may have taken bits away


def make_private_file(path: Path) -> None:
    """Make an empty file at `path`, mode 0600, where there is none.

    In a folder that a group shares it is 0660.

    SQLite takes an empty file for a new database, and gives the files that it puts beside it (-wal, -shm, -journal) the
    mode of the database.

    Raises:
        OSError: it cannot be made.
    """
    with suppress(FileExistsError):
        handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, OWNER_FILE)
        try:
            # a umask only takes bits away, and would keep the group out
            os.fchmod(handle, GROUP_FILE if _is_shared(path.parent) else OWNER_FILE)
        finally:
            os.close(handle)


def no_link(path: str, flags: int) -> int:
    """Open a file that is no link: an `opener` for `open`.

    A home may come from somebody else, whose link in the place of a file would have us overwrite another.

    Raises:
        OSError: it is a link, or cannot be opened.
    """
    return os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)


def readable_by_others(folder: Path) -> bool:
    """Tell whether strangers can look into `folder`.

    Not so where a group shares it.
    """
    return bool(folder.stat().st_mode & 0o077) and not _is_shared(folder)


def _is_shared(folder: Path) -> bool:
    mode = folder.stat().st_mode
    return bool(mode & stat.S_ISGID and mode & stat.S_IWGRP)
