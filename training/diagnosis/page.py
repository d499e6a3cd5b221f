"""The page of `hpo diagnose --html`."""

from markupsafe import Markup

from ..page import render
from .diagnosis import Diagnosis
from .figures import svg
from .registry import CHECKS


def page(found: Diagnosis, dimension: str | None = None) -> str:
    """The diagnosis as HTML; names from data and models are escaped.

    `dimension` is the learning-rate range as a space file would have it.
    """
    checks = [
        {
            "name": name,
            "title": CHECKS[name].title,
            "checked": checked,
            "charts": [Markup(svg(chart)) for chart in checked.charts],  # matplotlib escapes the texts in it
        }
        for name, checked in found.checked.items()
    ]
    return render("diagnosis/page.html", found=found, checks=checks, dimension=dimension)
