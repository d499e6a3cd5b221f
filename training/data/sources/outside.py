"""Files of a source that lie outside of its folder.

Behind a link, a `..`, or an absolute path in a table.

They may be meant, as where a set is made of links to another; in a folder that came from somebody else they may be any
file of this machine. So a note names them, and they are refused under `data.strict`.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path

from ....errors import DataError
from .base import listed

Outside = tuple[str, str]
"""A file by its name in the source, and where it is."""


def outside(folder: Path, names: Iterable[str], allowed: Sequence[Path] = ()) -> Iterator[Outside]:
    """Yield those of the files `names` that lie outside of `folder`.

    Links followed; neither in it nor in one of the `allowed` folders.
    """
    real = cache(os.path.realpath)  # a folder is resolved once, so that a file costs one system call
    starts = tuple(f"{os.path.realpath(root)}{os.sep}" for root in (folder, *allowed))
    for name in names:
        path = folder / name
        target = os.path.realpath(path) if path.is_symlink() else f"{real(path.parent)}{os.sep}{path.name}"
        if not target.startswith(starts):
            yield name, target


def outside_note(folder: str, files: Sequence[Outside]) -> str:
    """Return a sentence on the `files` read from outside of `folder`."""
    return (
        f"outside of {folder}, and read all the same: {listed([' -> '.join(file) for file in files])}; "
        "--strict (data.strict) refuses them"
    )


def refuse_outside(folder: str, files: Sequence[Outside]) -> None:
    """Refuse `files`, where there are any.

    Raises:
        DataError: there are.
    """
    if files:
        raise DataError(
            f"--strict: {folder}: every file must lie in it, {len(files)} do not: "
            f"{listed([' -> '.join(file) for file in files])}\n  copy them there, or leave it out"
        )
