"""Background scheduling of the coordinator.

A report wakes it; it must not push aside the process that trains, and that sent the report.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def in_background() -> Iterator[None]:
    """Within the block, schedule the calling thread as a batch job (Linux).

    It then takes a core only when one is free or a turn ends.

    Threads and processes that are started meanwhile inherit this; `in_foreground` is for those that train.
    """
    if hasattr(os, "SCHED_BATCH") and os.sched_getscheduler(0) == os.SCHED_OTHER:
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
        try:
            yield
        finally:
            in_foreground()
    else:
        yield


def in_foreground() -> None:
    """Schedule the calling thread as usual."""
    if hasattr(os, "SCHED_BATCH") and os.sched_getscheduler(0) == os.SCHED_BATCH:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
