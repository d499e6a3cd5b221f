"""The view of a monitor's report."""

from collections.abc import Iterator
from datetime import datetime

from rich.console import Group, RenderableType
from rich.table import Table

from ...serving.monitor.report import Expected, Report
from ..progress.format import between, sparkline
from .tables import line, table

_MOST_CLASSES = 12  # rows that fit a screen below the facts; --json has all
_UNLIKELY = 0.01  # p-values below this are named; they are corrected for the number of tests


def monitor_view(report: Report, again: str) -> RenderableType:
    """The counts, the newest predictions' statistics, and the alarms.

    `again` is the command to search again.
    """
    return Group(*_parts(report, again))


def _parts(report: Report, again: str) -> Iterator[RenderableType]:
    yield line(f"study {report.study}, model {report.version}: {_counted(report)}")
    if not report.window:
        yield line("no predictions of this model yet")
        return
    yield _facts(report)
    yield _classes(report)
    if report.expected is not None:
        yield line(_tests(report.expected, report.window))
    if not report.alarms:
        yield line("no drift alarms")
        return
    yield line(f"drift alarms, the newest first ({len(report.alarms)}):")
    for alarm in report.alarms:
        yield line(f"  {_time(alarm.time)}  {alarm.family}: {alarm.words}")
    yield line(f"to search again on new images: {again}")


def _counted(report: Report) -> str:
    counts = report.counts
    lost = f", {counts.dropped:,} not written" if counts.dropped else ""
    since = f" since {_time(counts.first)}" if counts.first is not None else ""
    return f"{counts.by_version.get(report.version, 0):,} of {counts.total:,} predictions{since}{lost}"


def _facts(report: Report) -> Table:
    view = table("", "")
    view.add_row("window", f"the last {report.window:,} predictions")
    view.add_row("latency", ", ".join(f"{name} {1000 * value:.1f} ms" for name, value in report.latency_s.items()))
    curve = sparkline([period.confidence for period in report.periods], 24)
    view.add_row("confidence", f"{report.confidence:.3f}  {curve}")
    if report.expected is not None:
        expected = report.expected
        view.add_row("accuracy", f"{expected.accuracy_now:.3f} estimated, {expected.accuracy_at_export:.3f} at export")
    if report.feedback is not None:
        feedback = report.feedback
        interval = between((feedback.low, feedback.high), 3)
        view.add_row("by feedback", f"{feedback.accuracy:.3f} (95 %: {interval}, {feedback.count} labels)")
    if report.arms is not None:
        view.add_row("challenger", _arms(report))
    return view


def _arms(report: Report) -> str:
    arms = report.arms
    assert arms is not None
    differences = []
    if arms.accuracy is not None and arms.accuracy_p is not None:
        how = "the same images" if arms.paired else "different images"
        differences.append(f"accuracy {arms.accuracy:+.3f} (p = {arms.accuracy_p:.2g}, {arms.images} answers to {how})")
    if arms.latency_s is not None and arms.latency_p is not None:
        differences.append(f"median latency {1000 * arms.latency_s:+.1f} ms (p = {arms.latency_p:.2g})")
    return "; ".join(differences) + ", less the champion's"


def _classes(report: Report) -> Table:
    """The table of the most frequent classes.

    It has their shares of the answers now and at export, and the estimated true share.
    """
    view = table("class", "answered", "at export", "true, estimated")
    expected = report.expected
    for name in sorted(report.mix, key=lambda name: -report.mix[name])[:_MOST_CLASSES]:
        shares = [f"{expected.mix_at_export[name]:.1%}", f"{expected.priors[name]:.1%}"] if expected else ["-", "-"]
        view.add_row(name, f"{report.mix[name]:.1%}", *shares)
    return view


def _tests(expected: Expected, window: int) -> str:
    unlikely = [test for test in expected.tests if test.p_value < _UNLIKELY]
    if not unlikely:
        return f"the last {window} predictions are like those at export in all {len(expected.tests)} tests"
    names = ", ".join(f"{test.feature} ({test.kind}, p = {test.p_value:.1g})" for test in unlikely[:6])
    return f"unlike those at export: {names}; {len(unlikely)} of {len(expected.tests)} tests, corrected"


def _time(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds).astimezone():%Y-%m-%d %H:%M:%S}"
