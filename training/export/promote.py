"""Replacement of a directory as a whole.

Its readers see the old files or the new ones, never a mixture.
"""

import ctypes
import errno
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil

from ...errors import ExportError

# Of Linux's renameat2(2): relative to the working directory, and exchange.
_AT_FDCWD = -100
_RENAME_EXCHANGE = 2
_MARK = ".partial-"
_OLD = ".old"


Others = Callable[[Path], Sequence[str]]
"""The files in a directory that are not of the kind that may be replaced, by their paths in it."""


@contextmanager
def staged(target: Path, others: Others) -> Iterator[Path]:
    """Yield an empty directory that takes the place of `target`.

    It lies beside `target`, takes its place when the block ends well, and is removed otherwise.

    Raises:
        ExportError: it cannot be made or put into place, or `target` has `others`; what is there is as it was.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _sweep(target)
        folder = target.parent / f".{target.name}{_MARK}{os.getpid()}"
        folder.mkdir()
    except OSError as error:
        raise ExportError(f"{target}: cannot be written: {error.strerror}") from error
    try:
        yield folder
        _promote(folder, target, others)
    except OSError as error:
        raise ExportError(f"{error.filename or target}: cannot be written: {error.strerror}") from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)  # half made, or the export that was replaced


def _promote(folder: Path, target: Path, others: Others) -> None:
    for path in (*folder.rglob("*"), folder):
        _sync(path)
    if target.exists():
        if names := others(target):  # put there meanwhile
            raise ExportError(f"{target}: is not replaced, for it holds {names[0]}, which we did not make")
        _exchange(folder, target)
    else:
        folder.rename(target)
    _sync(target.parent)


def _exchange(folder: Path, target: Path) -> None:
    """Swap two directories, in one step if possible.

    Linux has renameat2(2).
    """
    if sys.platform == "linux":
        rename = ctypes.CDLL(None, use_errno=True).renameat2  # in glibc since 2018, in musl since 2021
        if rename(_AT_FDCWD, os.fsencode(folder), _AT_FDCWD, os.fsencode(target), _RENAME_EXCHANGE) == 0:
            return
        code = ctypes.get_errno()
        if code not in (errno.EINVAL, errno.ENOSYS):  # the file system or the kernel may lack it
            raise OSError(code, os.strerror(code), str(target))
    aside = folder.with_name(f"{folder.name}{_OLD}")
    target.rename(aside)
    try:
        folder.rename(target)
    except OSError:
        aside.rename(target)
        raise
    aside.rename(folder)


def _sweep(target: Path) -> None:
    """Remove what killed processes left beside `target`.

    One killed between two renames left the export itself, which is put back.
    """
    for leftover in target.parent.glob(f".{target.name}{_MARK}*"):
        owner = leftover.name.rpartition(_MARK)[2].removesuffix(_OLD)
        if owner.isdecimal() and int(owner) != os.getpid() and psutil.pid_exists(int(owner)):
            continue
        if leftover.name.endswith(_OLD) and not target.exists():
            leftover.rename(target)
        else:
            shutil.rmtree(leftover, ignore_errors=True)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
