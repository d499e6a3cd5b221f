"""Values of a dimension as numbers in [0, 1], and back: what models of configurations are fed with.

A dimension of finitely many values has bins of equal width there, but for whole numbers on a log scale, whose bins are
as wide as they are on that.
"""

import math

from .parameter import Float, Int, Parameter, Scalar

HALF = 0.5  # of a whole number, so that the least and the greatest have a whole bin, too


def to_unit(parameter: Parameter, value: Scalar) -> float:
    """The place of `value`, one of those of `parameter`, in [0, 1]; of a finite dimension the middle of its bin."""
    match parameter:
        case Float(low=low, high=high, log=log, step=None) if low < high:
            return _share(float(value), low, high, log)  # type: ignore[arg-type]
        case Int(low=low, high=high, log=True):
            return _share(float(value), low - HALF, high + HALF, True)  # type: ignore[arg-type]
    return (parameter.position(value) + HALF) / parameter.size()  # type: ignore[arg-type]


def from_unit(parameter: Parameter, unit: float) -> Scalar:
    """The value of `parameter` at `unit` in [0, 1]."""
    match parameter:
        case Float(low=low, high=high, log=log, step=None) if low < high:
            return min(max(_at(unit, low, high, log), low), high)  # rounding must not leave the range
        case Int(low=low, high=high, log=True):
            return min(max(round(_at(unit, low - HALF, high + HALF, True)), low), high)
    size = int(parameter.size())
    return parameter.at(min(int(unit * size), size - 1))


def _share(value: float, low: float, high: float, log: bool) -> float:
    return math.log(value / low) / math.log(high / low) if log else (value - low) / (high - low)


def _at(unit: float, low: float, high: float, log: bool) -> float:
    return low * (high / low) ** unit if log else low + unit * (high - low)
