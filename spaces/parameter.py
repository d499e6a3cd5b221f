"""The dimensions of a search space: Float, Int and Choice.

Each stands under a dotted key.

The key is the path in the YAML file, with the branch in it where there is one (`optimizer.sgd.lr`). It is the only
name a dimension has: Optuna's parameter, MLflow's param and the plot label are the same string.
"""

from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

Scalar = bool | int | float | str | None
Confidence = Literal["low", "medium", "high"]
Condition = tuple[tuple[str, str], ...]
"""The branches under which something exists, outermost first, as (key of the choice, branch); () at the root."""


@dataclass(frozen=True, slots=True)
class Float:
    """A real number in [low, high].

    With `step` only low, low + step, ... ; with `log` (low > 0) on a log scale.
    """

    key: str
    low: float
    high: float
    log: bool = False
    step: float | None = None
    prior: float | None = None
    confidence: Confidence | None = None
    condition: Condition = ()

    @property
    def has_prior(self) -> bool:
        """Whether the file names a likely value."""
        return self.prior is not None

    def size(self) -> float:
        """Count the values that it can take.

        inf where it is continuous.
        """
        if self.low == self.high:
            return 1
        if self.step is None:
            return float("inf")
        return float((exact(self.high) - exact(self.low)) // exact(self.step) + 1)

    def at(self, position: int) -> float:
        """The value at `position` from 0, of one that has a finite size."""
        return self.low if self.step is None else float(exact(self.low) + position * exact(self.step))

    def position(self, value: float) -> int:
        """Find `value`, one of its values, of which there is a finite number."""
        return 0 if self.step is None else round((value - self.low) / self.step)

    def contains(self, value: Any) -> bool:
        """Tell whether `value` is one of its values.

        Up to the rounding of low + k * step.
        """
        if not is_number(value) or not self.low <= value <= self.high:
            return False
        steps: float = 0 if self.step is None else (value - self.low) / self.step
        return abs(steps - round(steps)) < 1e-8

    def canonical(self) -> dict[str, Any]:
        """What decides which values it can take, as JSON."""
        return {"type": "float", "low": self.low, "high": self.high, "log": self.log, "step": self.step}


@dataclass(frozen=True, slots=True)
class Int:
    """A whole number in [low, high] at distances of `step`.

    With `log` (low >= 1, step 1) on a log scale.
    """

    key: str
    low: int
    high: int
    log: bool = False
    step: int = 1
    prior: int | None = None
    confidence: Confidence | None = None
    condition: Condition = ()

    @property
    def has_prior(self) -> bool:
        """Whether the file names a likely value."""
        return self.prior is not None

    def size(self) -> float:
        """Count the values that it can take."""
        return float((self.high - self.low) // self.step + 1)

    def at(self, position: int) -> int:
        """The value at `position` from 0."""
        return self.low + position * self.step

    def position(self, value: int) -> int:
        """Find `value`, one of its values."""
        return (value - self.low) // self.step

    def contains(self, value: Any) -> bool:
        """Whether `value` is one of its values."""
        return is_whole(value) and self.low <= value <= self.high and on_grid(value, self.low, self.step)

    def canonical(self) -> dict[str, Any]:
        """What decides which values it can take, as JSON."""
        return {"type": "int", "low": self.low, "high": self.high, "log": self.log, "step": self.step}


@dataclass(frozen=True, slots=True)
class Choice:
    """One of `choices`, in the order of the file.

    Where `branching`, the choices are the names of branches, sorted (a YAML mapping has no order): the choice itself
    sets nothing in the configuration, what stands in the chosen branch does. The prior is kept as an index, since
    None may be a choice.
    """

    key: str
    choices: tuple[Scalar, ...]
    branching: bool = False
    prior_index: int | None = None
    confidence: Confidence | None = None
    condition: Condition = ()

    @property
    def has_prior(self) -> bool:
        """Whether the file names a likely value."""
        return self.prior_index is not None

    @property
    def prior(self) -> Scalar:
        """Return the likely value.

        None also where there is none, see `has_prior`.
        """
        return None if self.prior_index is None else self.choices[self.prior_index]

    def size(self) -> float:
        """Count the choices."""
        return float(len(self.choices))

    def at(self, position: int) -> Scalar:
        """The choice at `position` from 0."""
        return self.choices[position]

    def position(self, value: Scalar) -> int:
        """Find `value`, one of the choices.

        True is not 1 here, as it is in Python.
        """
        return next(
            position
            for position, choice in enumerate(self.choices)
            if value == choice and isinstance(value, bool) == isinstance(choice, bool)
        )

    def contains(self, value: Any) -> bool:
        """Tell whether `value` is one of the choices.

        True is not 1 here, as it is in Python.
        """
        return any(value == choice and isinstance(value, bool) == isinstance(choice, bool) for choice in self.choices)

    def canonical(self) -> dict[str, Any]:
        """What decides which values it can take, as JSON."""
        return {"type": "choice", "choices": list(self.choices), "branching": self.branching}


Parameter = Float | Int | Choice


def is_whole(value: Any) -> bool:
    """Tell whether `value` is an int; True and False are not."""
    return isinstance(value, int) and not isinstance(value, bool)


def is_number(value: Any) -> bool:
    """Tell whether `value` is an int or a float; no bool."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def exact(value: float) -> Fraction:
    """Return the decimal number that `value` was written as.

    So 0.3 is three times 0.1.
    """
    return Fraction(str(value))


def on_grid(value: float, low: float, step: float | None) -> bool:
    """Tell whether `value` is `low` plus a multiple of `step`.

    None: there is no grid.
    """
    return step is None or (exact(value) - exact(low)) % exact(step) == 0
