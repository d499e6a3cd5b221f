"""The HTML pages of `hpo data`, `hpo evaluate`, `hpo diagnose` and `hpo report`.

One file each, with no script, and nothing fetched from anywhere.

`page.html` beside this file is what they have in common; each extends it as `common/page.html`.
"""

from functools import cache
from importlib.resources import files

from jinja2 import Environment, FunctionLoader, StrictUndefined

from .display import visible
from .plural import plural

_LETTERS = 1000
"""The longest text of somebody else that a page shows: a megabyte of a name is no page."""


def render(template: str, **values: object) -> str:
    """Render the page `template` with `values`.

    The template is a path in this package; what the values say is escaped.
    """
    return _environment().get_template(template).render(values)


@cache
def _environment() -> Environment:
    # StrictUndefined: a value that a template names and nobody gives is an error, not an empty place
    environment = Environment(
        loader=FunctionLoader(_text), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"plural": plural, "shown": shown}
    return environment


def shown(text: str) -> str:
    """Return a text on one line, unseen characters by their numbers, shortened to a bound."""
    return visible(text if len(text) <= _LETTERS else f"{text[:_LETTERS]}…")


def _text(template: str) -> str:
    return files((__package__ or "").rpartition(".")[0]).joinpath(template).read_text(encoding="utf-8")
