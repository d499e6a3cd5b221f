"""The pictures of an evaluation, each a PNG.

For its page, for MLflow, and for the dashboard.
"""

import io
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ..fonts import draw_literally
from .evaluation import EvaluationReport, Mistake
from .reliability import Bin

SHOWN = 24  # mistakes in the picture of them

_NUMBERED = 30  # classes up to which the cells of the matrix say their counts
_NAMED = 100  # classes up to which rows and columns say their names
_ACROSS = 8  # pictures in a row
_DPI = 110  # sharp at the size of a page


def confusion_picture(counts: NDArray[np.int64], class_names: Sequence[str], title: str) -> bytes:
    """Draw the confusion matrix of `counts` [true, answered].

    Colours are shares of the true class.
    """
    shares = counts / counts.sum(axis=1, keepdims=True).clip(1)
    classes = len(counts)
    side = min(3.5 + 0.4 * classes, 16.0)  # inches: grows with the classes, up to what a page still shows
    figure = Figure(figsize=(side, side), layout="constrained")
    axes = figure.subplots()
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    axes.set(xlabel="answered", ylabel="true", title=title)
    if classes <= _NAMED:
        size = float(np.clip(160 / classes, 4, 10))
        axes.set_xticks(range(classes), class_names, rotation=90, fontsize=size)
        axes.set_yticks(range(classes), class_names, fontsize=size)
    if classes <= _NUMBERED:
        for row, column in zip(*np.nonzero(counts), strict=True):
            ink = "white" if shares[row, column] > 0.5 else "black"
            axes.text(column, row, str(counts[row, column]), ha="center", va="center", color=ink, fontsize=8)
    return _png(figure)


def reliability_picture(report: EvaluationReport) -> bytes:
    """Draw accuracy by confidence, before and after the temperature.

    Below it, how many images have which confidence.
    """
    figure = Figure(figsize=(5.2, 5.8), layout="constrained")
    upper, lower = figure.subplots(2, 1, height_ratios=(3, 1), sharex=True)
    upper.plot([0, 1], [0, 1], color="grey", linestyle="--", linewidth=1, label="as sure as right")
    metrics = report.metrics
    if report.calibrated:
        words = f"undivided, calibration error {metrics.ece_uncalibrated:.3f}"
        _line(upper, report.reliability_uncalibrated, "tab:orange", words)
    _line(upper, report.reliability, "tab:blue", f"temperature {report.temperature:.2f}, error {metrics.ece:.3f}")
    upper.set(ylabel="share that is right", xlim=(0, 1), ylim=(0, 1.02), title=report.title)
    upper.legend(loc="upper left", fontsize=8)
    centres = [(part.low + part.high) / 2 for part in report.reliability]
    lower.bar(centres, [part.images for part in report.reliability], width=0.9 / len(centres), color="tab:blue")
    lower.set(xlabel="confidence", ylabel="images")
    return _png(figure)


def mistakes_picture(report: EvaluationReport, images: Sequence[NDArray[np.uint8]]) -> bytes:
    """Draw the most confident mistakes.

    `images` uint8 [side, side, channels] of at least the first of them.
    """
    pairs = list(zip(report.mistakes, images, strict=False))[:SHOWN]
    across = max(3, min(len(pairs), _ACROSS))
    rows = -(-len(pairs) // across) or 1
    figure = Figure(figsize=(1.5 * across, 2.0 * rows + 0.4), layout="constrained")
    cells = figure.subplots(rows, across, squeeze=False).ravel()
    for axes in cells:
        axes.set_axis_off()
    for axes, (mistake, image) in zip(cells, pairs, strict=False):
        axes.imshow(image[..., 0] if image.shape[2] == 1 else image, cmap="gray", vmin=0, vmax=255)
        axes.set_title(_caption(mistake), fontsize=7)
    figure.suptitle("The most confident mistakes" if pairs else "No mistakes", fontsize=10)
    return _png(figure)


def _caption(mistake: Mistake) -> str:
    return f"{mistake.true[:18]}\nas {mistake.answered[:18]}\n{mistake.confidence:.1%}"


def _line(axes: Axes, bins: Sequence[Bin], color: str, words: str) -> None:
    """Draw a line through the bins that hold images.

    Their dots are as large as their share of all images.
    """
    filled = [part for part in bins if part.images]
    total = sum(part.images for part in filled)
    across, up = np.array([(part.confidence, part.accuracy) for part in filled], np.float64).T
    axes.plot(across, up, color=color, linewidth=1, alpha=0.7, label=words)
    axes.scatter(across, up, color=color, s=[8 + 200 * part.images / total for part in filled], clip_on=False)


def _png(figure: Figure) -> bytes:
    draw_literally(figure)
    buffer = io.BytesIO()
    FigureCanvasAgg(figure).print_figure(buffer, format="png", dpi=_DPI)
    return buffer.getvalue()
