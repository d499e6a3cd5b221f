"""Joining a Ray cluster, from a node of it or from outside."""

import logging
import time

from ....common.masking import first_line

TRIES = 3
"""A head that is asked from outside looks at all processes of its machine, and fails where one ends meanwhile."""
PAUSE_S = 1.0


def join(address: str) -> None:
    """Connect this process to a cluster.

    Raises:
        ConnectionError, RuntimeError, ValueError: it does not answer, or refuses.
    """
    import ray

    for left in reversed(range(TRIES)):
        try:
            ray.init(address, log_to_driver=False, logging_level=logging.ERROR)
            return
        except ConnectionAbortedError:
            if not left:
                raise
            time.sleep(PAUSE_S)


def reason(error: Exception) -> str:
    """The first line of an error; the last where that is a heading over a traceback of the cluster's."""
    first, last = first_line(error), str(error).strip().rpartition("\n")[-1]
    return first_line(type(error)(last)) if first.endswith(":") else first
