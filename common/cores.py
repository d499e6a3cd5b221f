"""Usable CPU cores, and threads that sleep while they wait."""

import os
from pathlib import Path

_QUOTA = Path("/sys/fs/cgroup/cpu.max")


def available_cores() -> int:
    """Count the cores that this process may use, at least 1.

    Its affinity, cut by a container's CPU quota (cgroup v2).
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if _QUOTA.exists():
        limit, period = _QUOTA.read_text().split()
        if limit != "max":
            # rounded down: one thread more than the quota allows, and all of them stand still for the rest of each
            # period
            cores = min(cores, int(limit) // int(period))
    return max(1, cores)


def threads_here() -> int:
    """Count the threads of a computation in this process: its OMP_NUM_THREADS, or as many as there are cores."""
    wanted = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0]  # those after a comma are of nested regions
    return int(wanted) if wanted.strip().isdecimal() and int(wanted) > 0 else available_cores()


def sleep_while_waiting() -> None:
    """Have OpenMP's threads sleep at barriers.

    It holds for this process and those it starts, and is called before torch is imported.

    They spin by default: beside one busy process, the thread that is waited for waits for the core that is spun on.
    A user's own OMP_WAIT_POLICY counts. The runtimes of GNU (in torch's wheels), LLVM and Intel all obey it.
    """
    # note: three epochs of SimpleCNN (width 16) on digits with two threads on two cores, medians of five in turn, by
    # default, with ACTIVE and with PASSIVE: 3.0, 6.6 and 2.4 s; beside one busy process 18.0, 19.1 and 6.8 s
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
