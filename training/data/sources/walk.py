"""Folders and files in order of name; what is hidden, litter or kept apart is left out."""

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

from .apart import kept_apart

_LITTER = {"thumbs.db", "desktop.ini"}

Stamp = tuple[int, ...]


def unheard(folder: Path, kind: str) -> None:
    """Hears of a folder that is kept apart, and tells nobody."""


def files_below(
    place: Path, above: tuple[Stamp, ...] = (), apart: Callable[[Path, str], None] = unheard
) -> Iterator[tuple[Path, Stamp]]:
    """Every visible regular file at any depth, in order of name, with its stamp, () where it cannot be looked at.

    Links are followed, except back into a folder that we are in. Folders below `place` that hold no images (apart.py)
    are not entered; `apart(folder, what it is)` hears of them.
    """
    identity = identity_of(place)
    if identity in above:
        return
    if above and (kind := kept_apart(place)):
        apart(place, kind)
        return
    with os.scandir(place) as entries:
        names = sorted(entry.name for entry in entries if _is_visible(entry.name))  # a million of them take 100 MB
    for name in names:
        path = place / name
        try:
            status = path.stat()
        except OSError:
            yield path, ()
            continue
        if stat.S_ISDIR(status.st_mode):
            yield from files_below(path, (*above, identity), apart)
        elif stat.S_ISREG(status.st_mode):  # no sockets, and no pipes, which would never end
            yield path, (status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)


def visible_folders(place: Path) -> list[str]:
    """The names of the folders in `place` that are not kept apart."""
    return [name for name in _folders(place) if kept_apart(place / name) is None]


def folders_apart(place: Path) -> Iterator[tuple[Path, str]]:
    """The folders in `place` that are kept apart, and what each is."""
    for name in _folders(place):
        if kind := kept_apart(place / name):
            yield place / name, kind


def visible_files(place: Path) -> list[str]:
    """The names of what is no folder in `place`."""
    with os.scandir(place) as entries:
        return sorted(entry.name for entry in entries if _is_visible(entry.name) and not entry.is_dir())


def identity_of(place: Path) -> Stamp:
    """Equal for two paths of one folder."""
    status = place.stat()
    return status.st_dev, status.st_ino


def _folders(place: Path) -> list[str]:
    with os.scandir(place) as entries:
        return sorted(entry.name for entry in entries if _is_visible(entry.name) and entry.is_dir())


def _is_visible(name: str) -> bool:
    return not name.startswith(".") and name.lower() not in _LITTER
