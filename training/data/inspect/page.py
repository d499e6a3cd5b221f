"""The page of `hpo data --html`: one file, no script, nothing fetched from anywhere."""

from importlib.resources import files

from jinja2 import Environment, StrictUndefined

from .inspection import SPLITS, Inspection
from .pictures import Pictures

LISTED = 200  # files that cannot be read, at most


def page(found: Inspection, shown: Pictures) -> str:
    """The inspection as HTML; names from the data are escaped."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string(
        files(__name__.rpartition(".")[0]).joinpath("page.html").read_text(encoding="utf-8")
    )
    counts = list(zip(*found.counts.values(), strict=True))
    named = zip(found.class_names, counts, strict=True)
    classes = [{"name": name, **dict(zip(SPLITS, row, strict=True))} for name, row in named]
    return template.render(
        found=found, shown=shown, classes=classes, largest=max(map(sum, counts)), splits=SPLITS, listed=LISTED
    )
