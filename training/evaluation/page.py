"""The page of an evaluation."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...common.page import render
from ..data.inspect.pictures import png_uri
from ..fonts import missing_note
from .evaluation import EvaluationReport

CONFUSIONS = 12  # pairs of classes that are listed
NUMBERED = 30  # classes up to which the matrix is also given as a table


@dataclass(frozen=True, slots=True)
class Confusion:
    """Images of class `true` that were answered `answered`.

    `share` is their share of the class.
    """

    true: str
    answered: str
    images: int
    share: float


def page(
    report: EvaluationReport, images: Sequence[NDArray[np.uint8]], confusion_png: bytes, reliability_png: bytes
) -> str:
    """Return the evaluation as HTML; names from the data are escaped.

    `images` are those of the mistakes, in their order.
    """
    return render(
        "training/evaluation/page.html",
        report=report,
        metrics=report.metrics,
        gallery=list(zip(report.mistakes, map(png_uri, images), strict=True)),
        wrong=round(report.metrics.images * (1 - report.metrics.accuracy)),
        confusions=most_confused(report),
        numbered=len(report.class_names) <= NUMBERED,
        fonts=missing_note((report.title, *report.class_names)),
        confusion_uri=_uri(confusion_png),
        reliability_uri=_uri(reliability_png),
    )


def most_confused(report: EvaluationReport) -> list[Confusion]:
    """Return the pairs of classes that are confused most often."""
    counts = np.array(report.metrics.confusion_matrix)
    totals = counts.sum(axis=1)
    np.fill_diagonal(counts, 0)
    order = np.argsort(-counts, axis=None, kind="stable")[:CONFUSIONS]
    pairs = (divmod(int(cell), len(counts)) for cell in order)
    names = report.class_names
    return [
        Confusion(names[row], names[column], int(counts[row, column]), float(counts[row, column] / totals[row]))
        for row, column in pairs
        if counts[row, column]
    ]


def _uri(png: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(png).decode()
