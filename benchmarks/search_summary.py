"""Medians, geometric means and their intervals, where some searches never got as far."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf, isinf
from statistics import median

import numpy as np
from search_tables import Array
from search_trace import Trace

# the regrets of the headline: at 0.1 % the same one configuration counts as at 1 %, on most tables
HEADLINE = (0.1, 0.03, 0.01)
RESAMPLES = 1000
INTERVAL = (2.5, 97.5)  # percentiles

Traces = Mapping[str, Sequence[Trace]]
"""The searches of one entrant by table, one for each seed."""


@dataclass(frozen=True)
class Estimate:
    """A number with its interval, by resampling seeds; `bound` says where it is only that: "at least" or "at most"."""

    value: float
    low: float
    high: float
    bound: str = ""

    def text(self, digits: int = 0) -> str:
        """Format as `>value (low-high)`."""
        sign = {"at least": ">", "at most": "<", "": ""}.get(self.bound, "?")
        return f"{sign}{self.value:,.{digits}f} ({self.low:,.{digits}f}-{self.high:,.{digits}f})"


def medians(traces: Traces, regret: float, *, wall: bool = False) -> dict[str, float]:
    """Return the median epochs to a regret by table, or the wall time in epochs; inf where most never got there."""
    return {table: median(_times(each, regret, wall)) for table, each in traces.items()}


def geometric_mean(traces: Traces, regret: float, cap: int, *, wall: bool = False) -> Estimate:
    """Return the geometric mean over tables of the medians; at least that where one is beyond `cap` epochs."""
    means = np.exp(np.mean([_log_medians(each, regret, cap, wall) for each in traces.values()], axis=0))
    is_bound = any(map(isinf, medians(traces, regret).values()))
    return _estimate(means, "at least" if is_bound else "")


def ratio(ours: Traces, peer: Traces, cap: int, *, wall: bool = False) -> Estimate:
    """Return how many times as many epochs a peer needs: geometric mean over tables and the regrets of HEADLINE."""
    logs = [
        _log_medians(peer[table], regret, cap, wall) - _log_medians(ours[table], regret, cap, wall)
        for table in ours
        for regret in HEADLINE
    ]
    return _estimate(np.exp(np.mean(logs, axis=0)), _bound(ours, peer))


def ratios(ours: Traces, peer: Traces, cap: int) -> dict[str, Estimate]:
    """Return the same for each table by itself."""
    return {table: ratio({table: ours[table]}, {table: peer[table]}, cap) for table in ours}


def _bound(ours: Traces, peer: Traces) -> str:
    """Return what is known of a ratio where medians beyond the cap count as the cap."""
    peer_is_beyond, is_beyond = (_is_beyond(each) for each in (peer, ours))
    if peer_is_beyond and is_beyond:
        return "unknown"
    return "at least" if peer_is_beyond else "at most" if is_beyond else ""


def _is_beyond(traces: Traces) -> bool:
    return any(isinf(each) for regret in HEADLINE for each in medians(traces, regret).values())


def _estimate(resampled: Array, bound: str) -> Estimate:
    low, high = np.percentile(resampled[1:], INTERVAL)
    return Estimate(float(resampled[0]), float(low), float(high), bound)


def _log_medians(traces: Sequence[Trace], regret: float, cap: int, wall: bool) -> Array:
    """Return the logarithms of the median and of those of RESAMPLES resamples, each at most that of the cap."""
    # what is beyond the cap of a wall time is the wall time at which the search ended
    limits = [trace.wall if wall else cap for trace in traces]
    times = [t if t < inf else limit for t, limit in zip(_times(traces, regret, wall), limits, strict=True)]
    draws = np.random.default_rng(len(times)).integers(len(times), size=(RESAMPLES, len(times)))
    return np.log(np.concatenate([[median(times)], np.median(np.array(times)[draws], axis=1)]))


def _times(traces: Sequence[Trace], regret: float, wall: bool) -> list[float]:
    return [trace.reaches(regret).wall if wall else trace.reaches(regret).epochs for trace in traces]
