"""Numbers, durations, parameters and curves as a person reads them."""

from collections.abc import Iterable, Mapping, Sequence
from math import isfinite
from typing import Any

_BARS = "▁▂▃▄▅▆▇█"
_NO_NUMBER = "×"


def number_of(value: float | None) -> str:
    """Four decimals, or a dash where there is none."""
    return "     -" if value is None else f"{value:.4f}"


def numbers_of(values: Iterable[float | None]) -> str:
    """Values for several objectives: `0.9722, 0.0580`."""
    return ", ".join(map(number_of, values))


def between(interval: tuple[float, float], decimals: int = 4) -> str:
    """`0.3645 to 0.6913`."""
    low, high = interval
    return f"{low:.{decimals}f} to {high:.{decimals}f}"


def with_interval(value: float | None, interval: tuple[float, float] | None, decimals: int = 4) -> str:
    """`0.5312 (95 %: 0.3645 to 0.6913)`: a value with its interval."""
    if value is None or interval is None:
        return number_of(value)
    return f"{value:.{decimals}f} (95 %: {between(interval, decimals)})"


def trial_with(number: int, params: Mapping[str, Any]) -> str:
    """`trial 3: lr=0.01 width=32`."""
    return f"trial {number}: {params_line(params)}" if params else f"trial {number}"


def ending(status: str) -> str:
    """The status in words, one that its pruner stopped as `pruned`; whatever else a trial ended by as it is."""
    return "pruned" if status == "stopped" else status.replace("_", " ") if status.isidentifier() else status


def dropped(count: int) -> str:
    """A line on paused trials that end with their study."""
    trials = "1 paused trial ends" if count == 1 else f"{count:,} paused trials end"
    return f"{trials} here, pruned: the search is done, and promotes no more"


def duration(seconds: float) -> str:
    """`8.3 s`, `2 min 05 s` or `3 h 12 min`."""
    if round(seconds, 1) < 60:  # rounded first: 59.97 is a minute, not `60.0 s`
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


def devices_words(device: str, devices: int) -> str:
    """Where a training runs: `cpu`, `cuda:0`, or with several devices what they are."""
    if devices == 1:
        return device
    return f"{devices} processes on the CPU" if device == "cpu" else f"{devices} cards from {device} on"


def short(value: Any) -> str:
    """A parameter's value in few characters."""
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def amount(value: float) -> str:
    """A metric: `0.8556`, `1,937` or `4e-07`."""
    # images per second are whole, accuracies and losses have four digits
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def disk_size(size: int) -> str:
    """`0.3 MB`, `48 MB` or `1.2 GB`, in powers of ten as disks are sold."""
    if size >= 10**9:
        return f"{size / 10**9:,.1f} GB"
    return f"{size / 10**6:.1f} MB" if size < 10**7 else f"{size / 10**6:.0f} MB"


def params_line(params: Mapping[str, Any]) -> str:
    """`lr=0.01 width=32`: keys by their last part, in the space's order."""
    return " ".join(f"{key.rsplit('.', 1)[-1]}={short(value)}" for key, value in params.items())


def sparkline(values: Sequence[float], width: int = 24) -> str:
    """The curve as a row of bars, scaled to its own range.

    Longer curves are thinned to `width`; NaN and infinity are `×`.
    """
    # the first and the last value are always among the thinned ones
    thinned = [values[i * (len(values) - 1) // (width - 1)] for i in range(width)] if len(values) > width else values
    finite = [value for value in thinned if isfinite(value)]
    low, high = min(finite, default=0.0), max(finite, default=0.0)
    # a flat curve is a row of the lowest bar
    scale = (len(_BARS) - 1) / (high - low) if high > low else 0.0
    return "".join(_BARS[round((value - low) * scale)] if isfinite(value) else _NO_NUMBER for value in thinned)
