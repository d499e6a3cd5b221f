"""The table of an export's formats, side by side."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from rich.console import Group
from rich.table import Table

from ...common.plural import plural
from ...common.rounding import beside
from .tables import FirstThatFits, stdout, unfolded

if TYPE_CHECKING:
    from ...training.export.format_report import FormatReport, Latency
    from ...training.export.manifest import ExportManifest

Reports = Mapping[str, "FormatReport"]

_QUALITIES = ("MB", "test\naccuracy", "same\nclass")
_CAPTION = "p50 / p99 in milliseconds; same class: as the model in PyTorch, on images it was trained on"


def print_formats(manifest: "ExportManifest") -> None:
    """Print a row for each format, then why others fell short.

    Those are the ones that are not promoted or could not be made. In 110 characters it is one table, in 80 it is two.
    """
    reports, console = manifest.formats, stdout()
    if reports:
        latencies = {_setting(each): _times(reports, row) for row, each in enumerate(_latency(reports))}
        wide = _table(reports, {**_qualities(reports), **latencies})
        console.print(FirstThatFits(wide, Group(_table(reports, _qualities(reports)), _table(reports, latencies))))
        console.print(_CAPTION)
    for name, report in reports.items():
        if not report.promoted:
            console.print(f"{name} is not promoted: it {report.why_not}")
    for name, why in manifest.failed_formats.items():
        console.print(f"{name} could not be made: {why}")


def _table(reports: Reports, columns: Mapping[str, list[str]]) -> Table:
    view = unfolded("format", *columns)
    for name, *cells in zip(reports, *columns.values(), strict=True):
        view.add_row(name, *cells)
    return view


def _qualities(reports: Reports) -> dict[str, list[str]]:
    """The columns of a format's quality, by title."""
    rows = [_numbers(report) for report in reports.values()]
    return {title: [row[index] for row in rows] for index, title in enumerate(_QUALITIES)}


def _numbers(report: "FormatReport") -> tuple[str, str, str]:
    same, _ = beside(report.agreement.top1_agreement, 1, ".2%")  # 0.99996 is not shown as 100 %
    return f"{report.size_bytes / 1e6:.2f}", f"{report.test_accuracy:.4f}", same


def _latency(reports: Reports) -> "tuple[Latency, ...]":
    """The settings in which every format was timed."""
    return tuple(next(iter(reports.values())).latency)  # all are timed in the same ones


def _setting(latency: "Latency") -> str:
    return f"batch {latency.batch}\n{plural(latency.threads, 'thread')}"


def _times(reports: Reports, row: int) -> list[str]:
    timed = [report.latency[row] for report in reports.values()]
    return [f"{_short(latency.p50_ms)} / {_short(latency.p99_ms)}" for latency in timed]


def _short(milliseconds: float) -> str:
    """Milliseconds with three digits or so: 0.04, 12.3, 1234."""
    return f"{milliseconds:.{2 if milliseconds < 10 else 1 if milliseconds < 100 else 0}f}"
