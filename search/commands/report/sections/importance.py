"""What decided: how much of being among the best each dimension explains, and where the best have it."""

from collections.abc import Iterator, Sequence

from .....common.charts.bars import Bar, bars
from .....common.sections import Block, Chart, Section, Table, Text
from .....studies.records.effects import Effect
from ....progress.best_have import best_have
from ..material import Material
from .registry import register_section

MOST = 20
"""Dimensions that are shown, the most important first."""


@register_section("importance", place=30)
def importance(material: Material) -> Section | None:
    """The dimensions by what they decide; None where too few trials have ended to tell."""
    effects = material.summary.effects()
    return Section("What decided", [*_blocks(effects)]) if effects else None


def _blocks(effects: Sequence[Effect]) -> Iterator[Block]:
    legend = (("usual", "decides for certain"), ("quiet", "may be chance"))
    more = f" The {MOST} largest of {len(effects):,} are shown." if len(effects) > MOST else ""
    caption = f"The share of being among the best that a dimension alone explains. Lines are 95 % intervals.{more}"
    yield Chart(bars([*map(_bar, effects[:MOST])], "Importance of each dimension"), legend, caption)
    rows = [[each.key, f"{each.trials:,}", best_have(each)] for each in effects[:MOST] if each.mattered]
    if rows:
        yield Table(["dimension", "trials", "the best have"], rows, frozenset(("trials",)))
    if idle := [each.key for each in effects if each.never_mattered]:
        yield Text(f"Never mattered: {', '.join(idle)}.")


def _bar(effect: Effect) -> Bar:
    kind = "usual" if effect.mattered else "quiet"
    value = effect.importance
    return Bar(effect.key, value, f"{value:.2f}", (effect.low, effect.high), ((kind, value),))
