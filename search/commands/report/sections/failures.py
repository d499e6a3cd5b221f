"""Failures by cause, with the parameter that explains them, and the verdicts on trainings."""

from collections.abc import Iterator

from .....common.sections import Block, Section, Table, Text
from ....progress.explained import explained
from ....progress.format import ending
from ..material import Material
from .registry import register_section

CAUSES, NUMBERS = 20, 12
"""Causes that are listed, the most frequent first, and trials that are named for each."""


@register_section("failures", place=42)
def failures(material: Material) -> Section | None:
    """What went wrong; None where nothing did."""
    blocks = [*_failures(material), *_verdicts(material)]
    return Section("What went wrong", blocks) if blocks else None


def _failures(material: Material) -> Iterator[Block]:
    causes = material.summary.failures
    if not causes:
        return
    explanations = material.summary.explanations()
    rows = [
        [
            ending(cause),
            f"{len(numbers):,}",
            _named(numbers),
            explained(explanations[cause]) if cause in explanations else "",
        ]
        for cause, numbers in causes.items()
    ]
    yield Table(["cause", "count", "trials", "explained by"], rows[:CAUSES], numbers=frozenset(("count",)))
    if len(rows) > CAUSES:
        yield Text(f"And {len(rows) - CAUSES:,} more causes.", quiet=True)
    if explanations:
        yield Text("An explanation is given where it would be chance in one case of a hundred at most.", quiet=True)


def _verdicts(material: Material) -> Iterator[Block]:
    """What the histories of trainings say of them."""
    kinds = {kind: numbers for kind, numbers in material.summary.verdicts().items() if kind != "healthy"}
    if kinds:
        rows = [[kind, f"{len(numbers):,}", _named(numbers)] for kind, numbers in kinds.items()]
        yield Text("Verdicts on single trainings, from their histories:")
        yield Table(["verdict", "count", "trials"], rows[:CAUSES], numbers=frozenset(("count",)))


def _named(numbers: tuple[int, ...]) -> str:
    more = f" and {len(numbers) - NUMBERS:,} more" if len(numbers) > NUMBERS else ""
    return ", ".join(map(str, numbers[:NUMBERS])) + more
