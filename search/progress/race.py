"""The race of the best trials on fresh seeds, as a person reads it in a terminal and in a report."""

from typing import TYPE_CHECKING

from .format import between, number_of

if TYPE_CHECKING:
    from ...training.export.race import RaceEntry

RACE_COLUMNS = ("trial", "selected", "fresh mean", "95 %", "seeds", "optimism", "is best", "")
RACE_NUMBERS = frozenset({"trial", "selected", "fresh mean", "seeds", "optimism", "is best"})
FRESH = {
    "drawn anew": "fresh: other seeds and other validation images, the same for all trials of a repetition",
    "given": "fresh: other seeds; the validation images are the data's own, so that their luck is in all values",
}
"""What a fresh value is, by where the validation images come from."""


def race_cells(entry: "RaceEntry") -> dict[str, str]:
    """Return the texts of a trial by RACE_COLUMNS."""
    cells = (
        str(entry.trial),
        number_of(entry.selected),
        number_of(entry.mean),
        "" if entry.interval is None else between(entry.interval),
        str(len(entry.values)),
        "" if entry.optimism is None else f"{entry.optimism:+.4f}",
        "" if entry.probability is None else f"{entry.probability:.3f}",
        f"{entry.outcome}: {entry.failure}" if entry.failure else entry.outcome,
    )
    return dict(zip(RACE_COLUMNS, cells, strict=True))
