"""What makes a fork of a process with many libraries cheap: from start to end it takes a third of the CPU time."""

import atexit
import ctypes
import gc
import sys
import weakref
from pathlib import Path

_HUGE_PAGE = 2 << 20  # bytes
_MADV_COLLAPSE = 25  # of Linux 6.1; where it is refused, pages stay as small as they are


def make_forks_cheap() -> None:
    """Prepare this process, which has imported all that it will."""
    gc.collect()
    gc.freeze()  # or a fork that collects would copy every page
    _leave_libraries_whole()
    _use_huge_pages()


def _leave_libraries_whole() -> None:
    """Have forks not take torch's operators apart as they end, nor list what was compiled before them: 0.07 s."""
    for finalizer in list(weakref.finalize._registry):  # type: ignore[attr-defined]
        finalizer.atexit = False
    atexit.unregister(sys.modules["torch._dynamo.utils"].dump_compile_times)


def _use_huge_pages() -> None:
    """Put what is in memory into huge pages: 500 times fewer entries are copied by a fork, and dropped at its end."""
    madvise = ctypes.CDLL(None).madvise
    for line in Path("/proc/self/maps").read_text().splitlines():
        addresses, rights, _, _, file, *name = line.split()
        if rights.startswith("rw") and file == "0" and name in ([], ["[heap]"]):
            start, end = (int(address, 16) for address in addresses.split("-"))
            first, last = -(-start // _HUGE_PAGE) * _HUGE_PAGE, end // _HUGE_PAGE * _HUGE_PAGE
            if first < last:
                madvise(ctypes.c_void_p(first), ctypes.c_size_t(last - first), _MADV_COLLAPSE)
