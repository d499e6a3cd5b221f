"""Return of large images' memory to the system at once."""

import ctypes
import sys

_M_MMAP_THRESHOLD = -3  # of malloc.h
_LARGE = 2**20  # bytes


def give_back_large_blocks() -> None:
    """Map every block of a MiB or more by itself.

    So it is unmapped when it is freed.

    Left to itself glibc raises that threshold up to 32 MiB once such a block has been freed; later ones then lie among
    small ones, which keep their memory from ever being given back. Other C libraries are left as they are.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, _LARGE)
