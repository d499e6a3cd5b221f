"""Bounded reading of files from elsewhere: regular files of a stated size.

A pipe or a device would hold a reader for ever, and a sparse file of 60 GB takes no room on a disk and all of memory.
Every bound has its reason beside it.
"""

import errno
import gzip
import os
import stat
from io import BufferedReader
from pathlib import Path

IMAGE_BYTES = 256 * 2**20
"""25 megapixels (common/decode.py) of four samples of 16 bits, not compressed, are 200 MB."""
TABLE_BYTES = 256 * 2**20
"""Some three million rows of a CSV file; ImageNet has one million."""
JSON_BYTES = 64 * 2**20
"""The history of a run of 100,000 epochs."""
ARRAYS_BYTES = 2**30
"""Sample images and logits of an export, a reference of ten thousand images of a thousand classes."""
WEIGHTS_BYTES = 16 * 2**30
"""A checkpoint of a model of one billion parameters, with two moments of each."""
ARCHIVE_BYTES = 2**30
"""Six times the largest of the public data sets that are read from an archive, unpacked or not."""

_KINDS = {
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFDIR: "a directory",
}


class UnfitFileError(OSError):
    """A file that is not regular, or too large.

    `strerror` says which, as for every error of the system.
    """


def read_bytes(path: Path, most: int) -> bytes:
    """Read the whole regular file `path` of at most `most` bytes.

    Raises:
        UnfitFileError: it is something else, larger, or grows.
        OSError: it cannot be opened or read.
    """
    with open_regular(path, most) as file:
        size = os.fstat(file.fileno()).st_size
        # one byte more than there was: a file that grows under us is told apart from one that is read whole
        content = file.read(size + 1)
    if len(content) > size:
        raise UnfitFileError(errno.EBUSY, "grew while it was read", str(path))
    return content


def open_regular(path: Path, most: int) -> BufferedReader:
    """Open the regular file `path` of at most `most` bytes for reading.

    Raises:
        UnfitFileError: it is something else, or larger.
        OSError: it cannot be opened.
    """
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)  # else a pipe waits for its writer
    try:
        # of the open file: what lies at the path may be exchanged between a look and the opening
        _check(path, os.fstat(handle), most)
    except BaseException:
        os.close(handle)
        raise
    return os.fdopen(handle, "rb")


def read_gzip(path: Path, most: int) -> bytes:
    """Read the gzip file `path`, at most `most` bytes packed and unpacked.

    Raises:
        UnfitFileError: as `read_bytes`.
        OSError, EOFError, zlib.error: it cannot be read, or is no whole gzip file.
    """
    with open_regular(path, most) as packed, gzip.GzipFile(fileobj=packed) as file:
        # never more than the bound: a kilobyte of gzip can stand for a megabyte, so a bomb is not unpacked to be
        # measured
        content = file.read(most + 1)
    if len(content) > most:
        raise _too_large(path, "stands for more", most)
    return content


def check_regular(path: Path, most: int) -> None:
    """Refuse `path` unless it is a regular file within `most` bytes.

    For libraries that open files by their paths.

    Raises:
        UnfitFileError, OSError: as `open_regular`.
    """
    _check(path, path.stat(), most)


def _check(path: Path, status: os.stat_result, most: int) -> None:
    if not stat.S_ISREG(status.st_mode):
        kind = _KINDS.get(stat.S_IFMT(status.st_mode), "something else")
        raise UnfitFileError(errno.EINVAL, f"must be a regular file, it is {kind}", str(path))
    if status.st_size > most:
        raise _too_large(path, f"has {status.st_size:,} bytes", most)


def _too_large(path: Path, size: str, most: int) -> UnfitFileError:
    limit = f"{most // 2**30} GiB" if most >= 2**30 else f"{most // 2**20} MiB"
    return UnfitFileError(errno.EFBIG, f"must have at most {limit}, it {size}", str(path))
