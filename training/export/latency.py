"""Latency of exported models, measured in turns.

Whatever else the machine does then slows all alike.
"""

import time
from collections.abc import Mapping

import numpy as np

from .format_kind import Pixels, Runtime
from .format_report import Latency

BATCHES = (1, 32)  # one image, as a service gets them, and enough to fill a processor
_RUNS = 200  # calls per format: two of them lie above the 99th percentile
_WARM_UP = 1  # calls before the measurement: memory is allocated in the first one
_LEAST_RUNS = 3  # however slow a format is
_BUDGET_S = 1.0  # per format and batch size: with many formats nobody waits minutes


def measure(runtimes: Mapping[str, Runtime], images: Pixels, threads: int) -> dict[str, list[Latency]]:
    """Measure the latencies of loaded formats, for each of `BATCHES`.

    By name.

    Args:
        runtimes: each loaded for `threads` threads.
        images: N real ones, at least 1; repeated where a batch needs more.
        threads: for the record.
    """
    latencies: dict[str, list[Latency]] = {name: [] for name in runtimes}
    for batch in BATCHES:
        pixels = np.ascontiguousarray(images[np.arange(batch) % len(images)])
        for name, times in call_times(runtimes, pixels, _RUNS).items():
            p50, p99 = np.percentile(times, [50, 99])
            latencies[name].append(
                Latency(batch=batch, threads=threads, p50_ms=1e3 * p50, p99_ms=1e3 * p99, runs=len(times))
            )
    return latencies


def call_times(runtimes: Mapping[str, Runtime], pixels: Pixels, most: int) -> dict[str, list[float]]:
    """Return the seconds of each call, formats in turn.

    `most` calls of each, fewer where that would take more than about a second per format.
    """
    for run in runtimes.values():
        for _ in range(_WARM_UP):
            run(pixels)
    times: dict[str, list[float]] = {name: [] for name in runtimes}
    end = time.monotonic() + _BUDGET_S * len(runtimes)
    for done in range(most):
        if done >= _LEAST_RUNS and time.monotonic() > end:
            break
        for name, run in runtimes.items():
            start = time.perf_counter()
            run(pixels)
            times[name].append(time.perf_counter() - start)
    return times
