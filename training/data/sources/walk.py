"""Folders and files in order of name.

What is hidden, litter or kept apart is left out.
"""

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

from .apart import kept_apart

_LITTER = {"thumbs.db", "desktop.ini"}

Stamp = tuple[int, ...]


def ignore_folder(folder: Path, kind: str) -> None:
    """Ignore a folder that is kept apart."""


def files_below(
    folder: Path, above: tuple[Stamp, ...] = (), apart: Callable[[Path, str], None] = ignore_folder
) -> Iterator[tuple[Path, Stamp]]:
    """Yield every visible regular file with its stamp, in order of name.

    At any depth; the stamp is () where the file cannot be read. Links are followed, except back into a folder that we
    are in. Folders below `folder` that hold no images (apart.py) are not entered; `apart(folder, what it is)` is called
    for them.
    """
    identity = identity_of(folder)
    if identity in above:
        return
    if above and (kind := kept_apart(folder)):
        apart(folder, kind)
        return
    with os.scandir(folder) as entries:
        names = sorted(entry.name for entry in entries if _is_visible(entry.name))  # a million of them take 100 MB
    for name in names:
        path = folder / name
        try:
            status = path.stat()
        except OSError:
            yield path, ()
            continue
        if stat.S_ISDIR(status.st_mode):
            yield from files_below(path, (*above, identity), apart)
        elif stat.S_ISREG(status.st_mode):  # no sockets, and no pipes, which would never end
            yield path, (status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)


def visible_folders(folder: Path) -> list[str]:
    """Return the names of the folders in `folder` that are not kept apart."""
    return [name for name in _folders(folder) if kept_apart(folder / name) is None]


def folders_apart(folder: Path) -> Iterator[tuple[Path, str]]:
    """Yield the folders kept apart in `folder`, and what each is."""
    for name in _folders(folder):
        if kind := kept_apart(folder / name):
            yield folder / name, kind


def visible_files(folder: Path) -> list[str]:
    """Return the names of what is no folder in `folder`."""
    with os.scandir(folder) as entries:
        return sorted(entry.name for entry in entries if _is_visible(entry.name) and not entry.is_dir())


def identity_of(folder: Path) -> Stamp:
    """Return a value equal for two paths of one folder."""
    status = folder.stat()
    return status.st_dev, status.st_ino


def _folders(folder: Path) -> list[str]:
    with os.scandir(folder) as entries:
        return sorted(entry.name for entry in entries if _is_visible(entry.name) and entry.is_dir())


def _is_visible(name: str) -> bool:
    return not name.startswith(".") and name.lower() not in _LITTER
