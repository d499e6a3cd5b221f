"""The page of an evaluation."""

import base64
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ...common.page import render
from ..data.inspect.pictures import png_uri
from ..fonts import missing_note
from .confusions import most_confused
from .evaluation import EvaluationReport

NUMBERED = 30  # classes up to which the matrix is also given as a table


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
        confusions=most_confused(np.array(report.metrics.confusion_matrix), report.class_names),
        numbered=len(report.class_names) <= NUMBERED,
        fonts=missing_note((report.title, *report.class_names)),
        confusion_uri=_uri(confusion_png),
        reliability_uri=_uri(reliability_png),
    )


def _uri(png: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(png).decode()
