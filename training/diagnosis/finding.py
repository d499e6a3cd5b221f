"""Findings of a check, with the numbers and charts behind them.

No torch.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from math import isfinite
from typing import Any

from ..setting import Setting


class Severity(StrEnum):
    """How much a finding matters."""

    PROBLEM = "problem"  # the training cannot go well like this
    WARNING = "warning"  # it may be what holds the training back
    NOTE = "note"  # worth knowing, and perhaps meant so


class Cause(IntEnum):
    """The position of a finding between data and trained model.

    An earlier one may be the cause of a later one.

    The rate comes before what is seen in training. Where the range test finds rates at which the loss falls, and the
    training's own is not among them, data and model can be learned from, and the rate is what is wrong.
    """

    DATA = 0  # what reaches the model
    LABELS = 1
    MODEL = 2  # before any training
    RATE = 3  # the learning rate, against the range that was measured
    DECAY = 4  # of the weights, in which the rate is a factor
    SIGNAL = 5  # activations and gradients while training
    FIT = 6  # what training reaches
    HINT = 7  # worth a look, and perhaps no cause at all
    NO_RATE = 8  # no rate lowers the loss: whatever the cause is, it is not the rate


@dataclass(frozen=True, slots=True)
class Finding:
    """A finding, and what to try about it.

    `advice` in words, `settings` as values for keys.

    Words say nothing for or against a learning rate, and name no number that a setting could carry.
    """

    severity: Severity
    cause: Cause
    text: str
    advice: str
    settings: tuple[Setting, ...] = ()


@dataclass(frozen=True, slots=True)
class Chart:
    """Curves over numbers, or bars over names.

    `marks` are vertical lines by their names.
    """

    title: str
    x_label: str
    y_label: str
    x: Sequence[float] | Sequence[str]
    series: Mapping[str, Sequence[float]]
    log_x: bool = False
    log_y: bool = False
    marks: Mapping[str, float] | None = None


@dataclass(frozen=True, slots=True)
class Checked:
    """The result of one check.

    A sentence on what was measured, findings, numbers (JSON values) and charts.
    """

    summary: str
    findings: Sequence[Finding] = ()
    numbers: Mapping[str, Any] | None = None
    charts: Sequence[Chart] = ()

    def to_json(self) -> dict[str, Any]:
        """Return JSON values without findings and charts.

        Numbers that are none become null.
        """
        return {"summary": self.summary, "numbers": _plain(dict(self.numbers or {}))}


def problem(cause: Cause, text: str, advice: str, *settings: Setting) -> Finding:
    """Return a finding under which the training cannot go well."""
    return Finding(Severity.PROBLEM, cause, text, advice, settings)


def warning(cause: Cause, text: str, advice: str, *settings: Setting) -> Finding:
    """Return a finding that may hold the training back."""
    return Finding(Severity.WARNING, cause, text, advice, settings)


def note(text: str, advice: str) -> Finding:
    """Return a finding that may well be intended."""
    return Finding(Severity.NOTE, Cause.HINT, text, advice)


def listed(names: Sequence[str], most: int = 4) -> str:
    """Return names for a sentence: `a, b and 3 more`."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _plain(value: Any) -> Any:
    match value:
        case float():
            return value if isfinite(value) else None
        case dict():
            return {str(key): _plain(item) for key, item in value.items()}
        case list() | tuple():
            return [_plain(item) for item in value]
        case _:
            return value
