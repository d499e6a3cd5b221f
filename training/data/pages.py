"""Pages of a memory map: residence in memory and read-ahead."""

import ctypes
import mmap
import os
from functools import cache

import numpy as np
from numpy.typing import NDArray

_MOSTLY = 0.98  # share of pages in memory from which a step hardly ever waits for a disk


def in_memory(array: NDArray[np.generic]) -> bool:
    """Whether nearly all pages of the contiguous `array` are in memory.

    True where the system cannot say.
    """
    start, length = _pages(array.ctypes.data, array.nbytes)
    present = np.empty(-(-length // mmap.PAGESIZE), np.uint8)
    if _libc() is None or _call("mincore", start, length, present.ctypes.data_as(ctypes.c_void_p)):
        return True
    return bool((present & 1).mean() >= _MOSTLY)  # bit 0 says whether the page is in memory, the others are reserved


def read_rows(array: NDArray[np.generic], rows: NDArray[np.int64]) -> None:
    """Ask the system to begin to read rows of the contiguous `array`.

    All at once, without waiting for any.
    """
    size = array[:1].nbytes
    for row in rows.tolist():
        _advise(array.ctypes.data + row * size, size, mmap.MADV_WILLNEED)


def read_nothing_else(array: NDArray[np.generic]) -> None:
    """Turn off read-ahead for `array`.

    Rows are drawn at random: what lies around one is not read next.
    """
    _advise(array.ctypes.data, array.nbytes, mmap.MADV_RANDOM)


def _advise(start: int, length: int, advice: int) -> None:
    """Advise the system; errors are ignored.

    They make nothing wrong, only slow.
    """
    if _libc() is not None:
        _call("madvise", *_pages(start, length), ctypes.c_int(advice))


def _call(name: str, start: int, length: int, last: object) -> int:
    return int(getattr(_libc(), name)(ctypes.c_void_p(start), ctypes.c_size_t(length), last))


def _pages(start: int, length: int) -> tuple[int, int]:
    """Return start and length, extended to the beginning of the first page.

    mincore and madvise take whole pages.
    """
    first = start - start % mmap.PAGESIZE
    return first, start + length - first


@cache
def _libc() -> ctypes.CDLL | None:
    return ctypes.CDLL(None) if os.name == "posix" else None
