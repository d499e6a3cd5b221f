"""The monitor's plots as SVG, for the dark and screen readers too.

Without any outside resource.
"""

from collections.abc import Sequence
from datetime import datetime
from html import escape

from .report import Report

_WIDTH, _HEIGHT, _MARGIN = 640, 120, 4
_COLORS = ("#3b76c4", "#c4573b", "#3b9e6b", "#a3823b", "#7d5bb5", "#3ba3a8", "#b53b7d", "#6b7d3b", "#5b6b8c", "#8c5b5b")
_MOST_CLASSES = 10  # as many colours as people tell apart
_LEGEND, _LETTERS = 20, 9  # pixels of its height; letters of a name that fit beside the next


def confidence_plot(report: Report) -> str:
    """Plot the mean confidence over the periods of the window."""
    values = [period.confidence for period in report.periods]
    label = f"Mean confidence over the last {report.window} predictions, now {values[-1]:.2f}" if values else "No data"
    points = " ".join(f"{x:.1f},{_y(value):.1f}" for x, value in zip(_places(len(values)), values, strict=True))
    line = f'<polyline points="{points}" fill="none" stroke="{_COLORS[0]}" stroke-width="2"/>'
    return _svg(label, _axis() + line)


def mix_plot(report: Report) -> str:
    """Plot each class's share over the periods, stacked.

    Beyond ten classes the least frequent are one.
    """
    names = sorted(report.mix, key=lambda name: -report.mix[name])[:_MOST_CLASSES]
    width = (_WIDTH - 2 * _MARGIN) / max(1, len(report.periods))
    bars = []
    for column, period in enumerate(report.periods):
        base = 0.0
        for color, name in zip(_COLORS, names, strict=False):
            share = period.mix[name]
            x, y = _MARGIN + column * width, _y(base + share)
            title = f"<title>{escape(name)}: {share:.0%} from {_clock(period.time)}</title>"
            shape = f'x="{x:.1f}" y="{y:.1f}" width="{width - 1:.1f}" height="{_y(base) - y:.1f}"'
            bars.append(f'<rect {shape} fill="{color}">{title}</rect>')
            base += share
    label = ", ".join(f"{name} {report.mix[name]:.0%}" for name in names)
    content = "".join(bars) + _legend(names)
    return _svg(f"Classes answered: {label}" if names else "No data", content, _HEIGHT + _LEGEND)


def _legend(names: Sequence[str]) -> str:
    """Draw a square and a name per class below the plot."""
    step = (_WIDTH - 2 * _MARGIN) / _MOST_CLASSES
    entries = []
    for column, (color, name) in enumerate(zip(_COLORS, names, strict=False)):
        x = _MARGIN + column * step
        short = name if len(name) <= _LETTERS else f"{name[: _LETTERS - 1]}…"
        square = f'<rect x="{x:.1f}" y="{_HEIGHT + 4}" width="10" height="10" fill="{color}"/>'
        text = f'<text x="{x + 13:.1f}" y="{_HEIGHT + 13}" font-size="10" font-family="sans-serif" fill="#888">'
        entries.append(f"{square}{text}{escape(short)}</text>")
    return "".join(entries)


def _places(count: int) -> Sequence[float]:
    step = (_WIDTH - 2 * _MARGIN) / max(1, count - 1)
    return [_MARGIN + index * step for index in range(count)]


def _y(share: float) -> float:
    return _HEIGHT - _MARGIN - share * (_HEIGHT - 2 * _MARGIN)


def _axis() -> str:
    lines = "".join(f"M0 {_y(level):.1f}H{_WIDTH}" for level in (0, 0.5, 1))
    return f'<path d="{lines}" stroke="#8886" fill="none"/>'


def _svg(label: str, content: str, height: int = _HEIGHT) -> str:
    shape = f'viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" height="{height}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {shape} role="img" aria-label="{escape(label, quote=True)}">'
    return f"{head}<title>{escape(label)}</title>{content}</svg>"


def _clock(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds).astimezone():%H:%M:%S}"
