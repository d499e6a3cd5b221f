"""Which parameters matter: the share of the objective's variance that each explains."""

from collections.abc import Sequence

from .....common.charts.bars import Bar, bars
from .....common.sections import Chart, Section
from ..material import Material
from .registry import register_section

MOST = 20
"""Parameters that are shown, the most important first."""

Importance = tuple[str, float, float, float]
"""A parameter's key, its importance, and the ends of the interval of that."""


@register_section("importance", place=30)
def importance(material: Material) -> Section | None:
    """The importance of each parameter; None where too few trials are complete to tell."""
    return importance_section(importances(material))


def importances(material: Material) -> Sequence[Importance]:
    """The importances of a study's parameters, the largest first."""
    return ()


def importance_section(rows: Sequence[Importance]) -> Section | None:
    """The section of importances, the largest first; None for none."""
    if not rows:
        return None
    shown = [Bar(key, value, f"{value:.2f}", (low, high)) for key, value, low, high in rows[:MOST]]
    more = f" The {MOST} largest of {len(rows):,} are shown." if len(rows) > MOST else ""
    svg = bars(shown, "Importance of each parameter")
    return Section("What matters", [Chart(svg, (), f"Lines are 95 % intervals.{more}")])
