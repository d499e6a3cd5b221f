"""The HTML pages of `hpo data`, `hpo evaluate` and `hpo diagnose`.

One file each, with no script, and nothing fetched from anywhere.

`page.html` beside this file is what they have in common; each extends it as `common/page.html`.
"""

from importlib.resources import files

from jinja2 import Environment, FunctionLoader, StrictUndefined


def render(template: str, **values: object) -> str:
    """Render the page `template` with `values`.

    The template is a path in this package; what the values say is escaped.
    """
    # StrictUndefined: a value that a template names and nobody gives is an error, not an empty place
    environment = Environment(
        loader=FunctionLoader(_text), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["counted"] = counted
    return environment.get_template(template).render(values)


def counted(count: int, noun: str) -> str:
    """Return a count with its noun, singular or plural.

    >>> counted(1, "image"), counted(1200, "image")
    ('1 image', '1,200 images')
    """
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _text(template: str) -> str:
    return files((__package__ or "").rpartition(".")[0]).joinpath(template).read_text(encoding="utf-8")
