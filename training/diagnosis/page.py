"""The page of `hpo diagnose --html`: one file, no script, nothing fetched from anywhere."""

from importlib.resources import files

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from .diagnosis import Diagnosis
from .figures import svg
from .registry import CHECKS


def page(found: Diagnosis, dimension: str | None = None) -> str:
    """The diagnosis as HTML; names from data and models are escaped.

    `dimension` is the learning-rate range as a space file would have it.
    """
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    text = files(__name__.rpartition(".")[0]).joinpath("page.html").read_text(encoding="utf-8")
    checks = [
        {
            "name": name,
            "title": CHECKS[name].title,
            "checked": checked,
            "charts": [Markup(svg(chart)) for chart in checked.charts],  # matplotlib escapes the texts in it
        }
        for name, checked in found.checked.items()
    ]
    return environment.from_string(text).render(found=found, checks=checks, dimension=dimension)
