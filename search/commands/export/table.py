"""The formats of an export as JSON, as metrics, as columns."""

from typing import Any

from ....common.plural import plural
from ....training.export.manifest import ExportManifest


def formats_to_json(manifest: ExportManifest) -> dict[str, Any]:
    """The measurements of each format, and why others could not be made."""
    return {
        "formats": {name: report.model_dump(mode="json") for name, report in manifest.formats.items()},
        "failed_formats": manifest.failed_formats,
    }


def formats_to_columns(manifest: ExportManifest) -> dict[str, list[Any]]:
    """The formats as columns of a table, a row per format.

    Latencies have names such as `p50_ms batch 32, 1 thread`.
    """
    rows = []
    for name, report in manifest.formats.items():
        row: dict[str, Any] = {
            "format": name,
            "promoted": report.promoted,
            "size_bytes": report.size_bytes,
            "test_accuracy": report.test_accuracy,
            "top1_agreement": report.agreement.top1_agreement,
            "max_abs_diff": report.agreement.max_abs_diff,
        }
        for latency in report.latency:
            setting = f"batch {latency.batch}, {plural(latency.threads, 'thread')}"
            row |= {f"p50_ms {setting}": latency.p50_ms, f"p99_ms {setting}": latency.p99_ms}
        rows.append(row | {"how": report.how, "why_not": report.why_not})
    # all formats are timed in the same settings, so every row has the columns of the first
    return {column: [row[column] for row in rows] for column in (rows[0] if rows else ())}


def formats_to_metrics(manifest: ExportManifest) -> dict[str, float]:
    """The comparable measurements of each format, under `<format>/<measure>`."""
    metrics: dict[str, float] = {}
    for name, report in manifest.formats.items():
        metrics |= {
            f"{name}/test_accuracy": report.test_accuracy,
            f"{name}/size_bytes": float(report.size_bytes),
            f"{name}/top1_agreement": report.agreement.top1_agreement,
            f"{name}/promoted": float(report.promoted),  # a metric is a number: 1 or 0
        }
        for latency in report.latency:
            metrics[f"{name}/p50_ms_batch{latency.batch}_threads{latency.threads}"] = latency.p50_ms
    return metrics
