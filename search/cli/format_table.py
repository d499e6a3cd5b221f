"""The formats of an export side by side, for a person."""

from typing import TYPE_CHECKING

from ...rounding import beside
from ..export_table import threads
from .tables import stdout, table

if TYPE_CHECKING:
    from ...training.export.format_report import FormatReport, Latency
    from ...training.export.manifest import ExportManifest


def print_formats(manifest: "ExportManifest") -> None:
    """A row for each format; below it those that are not promoted or could not be made, with the reason."""
    reports = manifest.formats
    if reports:
        settings = [_setting(latency) for latency in next(iter(reports.values())).latency]
        view = table("format", "MB", "test accuracy", "same class", *settings, "")
        for name, report in reports.items():
            view.add_row(name, *_numbers(report), "" if report.promoted else "not promoted")
        view.caption = "p50 / p99 in milliseconds; same class: as the model in PyTorch, on images it was trained on"
        view.caption_justify = "left"
        stdout().print(view)
    for name, report in reports.items():
        if not report.promoted:
            stdout().print(f"{name} is not promoted: it {report.why_not}")
    for name, why in manifest.failed_formats.items():
        stdout().print(f"{name} could not be made: {why}")


def _setting(latency: "Latency") -> str:
    return f"batch {latency.batch}, {threads(latency.threads)}"


def _numbers(report: "FormatReport") -> tuple[str, ...]:
    times = (f"{latency.p50_ms:.2f} / {latency.p99_ms:.2f}" for latency in report.latency)
    size, (same, _) = f"{report.size_bytes / 1e6:.2f}", beside(report.agreement.top1_agreement, 1, ".2%")
    return (size, f"{report.test_accuracy:.4f}", same, *times)
