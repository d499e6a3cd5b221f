"""The audit of a search, as a person reads it."""

from collections.abc import Sequence

from ...common.plural import plural
from ...studies.records.audit import AuditReport


def audit_line(report: AuditReport) -> str:
    """Say how often stopping would have been wrong, what it saved, and what the audit cost.

    `audit: of 6 trials to be stopped that ran on, 1 (17 %, 3 to 56 %) ended better than the median of the 14 that
    nothing stopped, 0 (0 %, 0 to 39 %) better than the best; stopping saved some 210 epochs, the audit cost 54`
    """
    spent = f"stopping saved some {plural(report.saved_epochs, 'epoch')}, the audit cost {report.cost_epochs:,}"
    return f"audit: {'; '.join(filter(None, (_wrong(report), _apart(report), spent)))}"


def _wrong(report: AuditReport) -> str:
    count = len(report.ended)
    if not count:
        return "no trial to be stopped has run on to its end yet"
    trials = f"of {plural(count, 'trial')} to be stopped that ran on"
    median = f"{_share(report, report.above_median)} ended better than the median"
    best = f"{_share(report, report.above_best)} better than the best"
    return f"{trials}, {median} of the {report.let_through} that nothing stopped, {best}"


def _apart(report: AuditReport) -> str:
    """Those that are not counted: they would not have been stopped in the end."""
    return f"{len(report.resumed)} more would have been resumed" if report.resumed else ""


def _share(report: AuditReport, wrong: Sequence[int]) -> str:
    """`1 (17 %, 3 to 56 %)`: how many of the ended, and the interval of their share."""
    low, high = report.interval(wrong) or (0.0, 1.0)
    percent = 100 * len(wrong) / len(report.ended)
    return f"{len(wrong)} ({percent:.0f} %, {100 * low:.0f} to {100 * high:.0f} %)"
