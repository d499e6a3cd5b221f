"""The memory that a worker takes, and that this machine has for all of them."""

from contextlib import suppress
from pathlib import Path

import psutil

_LIMIT, _USED = Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory.current")


def peak_bytes(pid: int) -> int | None:
    """The most memory that process `pid` has had at once, or has now where the system keeps no count (macOS).

    None where the process is gone.
    """
    with suppress(OSError, ValueError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.Error:
        return None


def free_bytes() -> int:
    """The memory that new processes can have: what the machine has left, or its container (cgroup v2)."""
    free = int(psutil.virtual_memory().available)
    with suppress(OSError, ValueError):  # `max` is no number
        free = min(free, int(_LIMIT.read_text()) - int(_USED.read_text()))
    return max(0, free)
