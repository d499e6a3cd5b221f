"""The page of `hpo data --html`."""

from ....common.page import render
from .inspection import SPLITS, Inspection
from .pictures import Pictures

LISTED = 200  # files that cannot be read, at most


def page(found: Inspection, shown: Pictures) -> str:
    """The inspection as HTML; names from the data are escaped."""
    counts = list(zip(*found.counts.values(), strict=True))
    named = zip(found.class_names, counts, strict=True)
    classes = [{"name": name, **dict(zip(SPLITS, row, strict=True))} for name, row in named]
    return render(
        "training/data/inspect/page.html",
        found=found,
        shown=shown,
        classes=classes,
        largest=max(map(sum, counts)),
        splits=SPLITS,
        listed=LISTED,
    )
