"""Whether a memory map lies in memory, and word to the system about what of it is read next."""

import ctypes
import mmap
import os
from functools import cache

import numpy as np
from numpy.typing import NDArray

_MOSTLY = 0.98  # of the pages: where so many are there, a step hardly ever waits for a disk


def in_memory(array: NDArray[np.generic]) -> bool:
    """Whether nearly all pages of `array`, which is contiguous, are in memory; True where the system cannot say."""
    start, length = _pages(array.ctypes.data, array.nbytes)
    present = np.empty(-(-length // mmap.PAGESIZE), np.uint8)
    if _libc() is None or _call("mincore", start, length, present.ctypes.data_as(ctypes.c_void_p)):
        return True
    return bool((present & 1).mean() >= _MOSTLY)  # the other bits mean nothing


def read_rows(array: NDArray[np.generic], rows: NDArray[np.int64]) -> None:
    """Have the system begin to read these rows of the contiguous `array`, all at once, without waiting for any."""
    size = array[:1].nbytes
    for row in rows.tolist():
        _advise(array.ctypes.data + row * size, size, mmap.MADV_WILLNEED)


def read_nothing_else(array: NDArray[np.generic]) -> None:
    """Have the system leave alone what lies around that which is read: it will not be next."""
    _advise(array.ctypes.data, array.nbytes, mmap.MADV_RANDOM)


def _advise(start: int, length: int, advice: int) -> None:
    """Advice may be ignored: an error makes nothing wrong, only slow."""
    if _libc() is not None:
        _call("madvise", *_pages(start, length), ctypes.c_int(advice))


def _call(name: str, start: int, length: int, last: object) -> int:
    return int(getattr(_libc(), name)(ctypes.c_void_p(start), ctypes.c_size_t(length), last))


def _pages(start: int, length: int) -> tuple[int, int]:
    """From the beginning of the first page."""
    first = start - start % mmap.PAGESIZE
    return first, start + length - first


@cache
def _libc() -> ctypes.CDLL | None:
    return ctypes.CDLL(None) if os.name == "posix" else None
