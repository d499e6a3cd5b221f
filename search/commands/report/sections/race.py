"""The race of the best trials on fresh seeds: which of them would win again."""

from .....common.sections import Section, Table, Text
from .....training.export.race import Race, RaceEntry
from ....progress.format import number_of
from ..material import Material
from .registry import register_section
from .result import between

_FRESH = {
    "drawn anew": "Fresh values are of other seeds and other validation images, in a repetition the same for all.",
    "given": "Fresh values are of other seeds; the validation images are the data's own, so that their luck is in all.",
}
_NUMBERS = ("trial", "selected", "fresh mean", "seeds", "optimism", "is best")
_COLUMNS = ("trial", "selected", "fresh mean", "interval", "seeds", "optimism", "is best", "")


@register_section("race", place=52)
def race(material: Material) -> Section | None:
    """The trials of the race; None where the winner was chosen without one."""
    selection = material.winner and material.winner.export.manifest.selection
    if not selection or selection.race is None:
        return None
    return Section("The best again, with fresh seeds", [_table(selection.race), _words(selection.race)])


def _table(held: Race) -> Table:
    marked = frozenset(row for row, entry in enumerate(held.entries) if entry.outcome == "won")
    return Table(_COLUMNS, [_row(entry) for entry in held.entries], frozenset(_NUMBERS), marked)


def _row(entry: RaceEntry) -> list[str]:
    return [
        f"{entry.trial}",
        number_of(entry.selected),
        number_of(entry.mean),
        between(entry.interval),
        f"{len(entry.values)}",
        "" if entry.optimism is None else f"{entry.optimism:+.4f}",
        "" if entry.probability is None else f"{entry.probability:.3f}",
        f"{entry.outcome}: {entry.failure}" if entry.failure else entry.outcome,
    ]


def _words(held: Race) -> Text:
    optimism = "Optimism is by how much the value that the search chose by is better than the fresh mean."
    return Text(f"{_FRESH[held.validation]} {optimism}", quiet=True)
