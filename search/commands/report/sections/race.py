"""The race of the best trials on fresh seeds: which of them would win again."""

from .....common.sections import Section, Table, Text
from .....training.export.race import Race
from ....progress.race import FRESH, RACE_COLUMNS, RACE_NUMBERS, race_cells
from ..material import Material
from .registry import register_section


@register_section("race", place=52)
def race(material: Material) -> Section | None:
    """The trials of the race; None where the winner was chosen without one."""
    selection = material.winner and material.winner.export.manifest.selection
    if not selection or selection.race is None:
        return None
    return Section("The best again, with fresh seeds", [_table(selection.race), _words(selection.race)])


def _table(held: Race) -> Table:
    marked = frozenset(row for row, entry in enumerate(held.entries) if entry.outcome == "won")
    rows = [list(race_cells(entry).values()) for entry in held.entries]
    return Table(RACE_COLUMNS, rows, RACE_NUMBERS, marked)


def _words(held: Race) -> Text:
    optimism = "optimism: by how much the value that the search chose by is better than the fresh mean"
    return Text(f"{FRESH[held.validation]}; {optimism}", quiet=True)
