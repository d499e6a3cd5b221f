"""The page of `hpo data --html`."""

from ....common.page import render
from .inspection import SPLITS, Inspection
from .pictures import Pictures

LISTED = 200  # files that cannot be read, at most; the JSON has a thousand


def page(inspection: Inspection, pictures: Pictures) -> str:
    """Return the inspection as HTML; names from the data are escaped."""
    counts = list(zip(*inspection.counts.values(), strict=True))
    named = zip(inspection.class_names, counts, strict=True)
    classes = [{"name": name, **dict(zip(SPLITS, row, strict=True))} for name, row in named]
    return render(
        "training/data/inspect/page.html",
        inspection=inspection,
        pictures=pictures,
        classes=classes,
        largest=max(map(sum, counts)),
        splits=SPLITS,
        listed=LISTED,
    )
