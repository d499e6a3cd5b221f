"""What a check says: findings in plain words, the numbers behind them, and the charts that show them. No torch."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from math import isfinite
from typing import Any


class Severity(StrEnum):
    """How much a finding matters."""

    PROBLEM = "problem"  # the run cannot go well like this
    WARNING = "warning"  # it may be what holds the run back
    NOTE = "note"  # worth knowing, and perhaps meant so


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was found, and what to try about it."""

    severity: Severity
    text: str
    advice: str


@dataclass(frozen=True, slots=True)
class Chart:
    """Curves over numbers, or bars over names; `marks` are vertical lines by their names."""

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
    """What one check found: a sentence on what was measured, findings, numbers (JSON values) and charts."""

    summary: str
    findings: Sequence[Finding] = ()
    numbers: Mapping[str, Any] | None = None
    charts: Sequence[Chart] = ()

    def to_json(self) -> dict[str, Any]:
        """Without the charts; numbers that are none become null."""
        found = [asdict(finding) for finding in self.findings]
        return {"summary": self.summary, "findings": found, "numbers": _plain(dict(self.numbers or {}))}


def problem(text: str, advice: str) -> Finding:
    """A finding under which the run cannot go well."""
    return Finding(Severity.PROBLEM, text, advice)


def warning(text: str, advice: str) -> Finding:
    """A finding that may hold the run back."""
    return Finding(Severity.WARNING, text, advice)


def note(text: str, advice: str) -> Finding:
    """A finding that may well be meant so."""
    return Finding(Severity.NOTE, text, advice)


def listed(names: Sequence[str], most: int = 4) -> str:
    """`a, b and 3 more`."""
    rest = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + rest


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
