"""How many cores this process may use."""

import os
from pathlib import Path

_QUOTA = Path("/sys/fs/cgroup/cpu.max")


def available_cores() -> int:
    """Its affinity, cut by a container's CPU quota (cgroup v2), at least 1."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if _QUOTA.exists():
        limit, period = _QUOTA.read_text().split()
        if limit != "max":
            cores = min(cores, int(limit) // int(period))
    return max(1, cores)
