"""Charts as SVG pictures that need no other file."""

import io
from collections.abc import Iterator, Mapping, Sequence
from math import isfinite, nan

from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from ..fonts import draw_literally
from .finding import Chart

_COLORS = ("#3b7dd8", "#e39b27", "#4c9f5a")
_MARKS = ("#c0392b", "#4c9f5a", "#7d5ba6")
_WIDTH_IN, _HEIGHT_IN = 7.0, 2.9  # several charts stand above each other on a page
_NAMED = 48  # bars whose names can be read at this width


def svg(chart: Chart) -> str:
    """Return the chart as an `<svg>` element."""
    figure = Figure(figsize=(_WIDTH_IN, _HEIGHT_IN), layout="constrained")
    FigureCanvasSVG(figure)
    axes = figure.subplots()
    _draw(axes, chart)
    axes.set_title(chart.title, fontsize=10, loc="left")
    axes.set_xlabel(chart.x_label, fontsize=9)
    axes.set_ylabel(chart.y_label, fontsize=9)
    axes.tick_params(labelsize=8)
    axes.spines[["top", "right"]].set_visible(False)
    if len(chart.series) > 1 or chart.marks:
        figure.legend(loc="outside right upper", fontsize=8, frameon=False)  # beside the bars, not on them
    draw_literally(figure)
    out = io.StringIO()
    figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    # without XML header: the element stands inside a page
    return out.getvalue().partition("<svg")[1] + out.getvalue().partition("<svg")[2]


def texts_of(chart: Chart) -> Iterator[str]:
    """Yield the chart's texts that come from data and models."""
    yield from chart.series
    if any(isinstance(value, str) for value in chart.x) and len(chart.x) <= _NAMED:
        yield from map(_shortened, map(str, chart.x))


def _shortened(name: str) -> str:
    return name[-24:]  # the end of a layer's name says more than its beginning


def _draw(axes: Axes, chart: Chart) -> None:
    numbers = [value for value in chart.x if not isinstance(value, str)]
    series = {name: [value if isfinite(value) else nan for value in values] for name, values in chart.series.items()}
    if len(numbers) < len(chart.x):
        _bars(axes, series, [str(name) for name in chart.x])
    else:
        for (name, values), color in zip(series.items(), _COLORS, strict=False):
            axes.plot(numbers, values, color=color, label=name, linewidth=1.5)
    if chart.log_x:
        axes.set_xscale("log")
    if chart.log_y and any(value > 0 for values in series.values() for value in values):
        axes.set_yscale("log")
    for (name, value), color in zip((chart.marks or {}).items(), _MARKS, strict=False):
        axes.axvline(value, color=color, linestyle="--", linewidth=1.2, label=f"{name} {value:.2g}")


def _bars(axes: Axes, series: Mapping[str, Sequence[float]], names: Sequence[str]) -> None:
    width = 0.8 / len(series)
    for number, ((name, values), color) in enumerate(zip(series.items(), _COLORS, strict=False)):
        positions = [index + width * (number - (len(series) - 1) / 2) for index in range(len(names))]
        axes.bar(positions, values, width, color=color, label=name)
    if len(names) <= _NAMED:
        axes.set_xticks(range(len(names)), list(map(_shortened, names)), rotation=90 if len(names) > 6 else 0)
