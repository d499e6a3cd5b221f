"""The best trials, with all of their parameters."""

from .....common.sections import Block, Section, Table, Text
from ....progress.format import numbers_of, params_line
from ..material import Material
from .registry import register_section

MOST = 15
"""Trials that are listed; `hpo show` has all of them."""


@register_section("trials", place=2)
def trials(material: Material) -> Section | None:
    """A table of the best; None where no trial is complete."""
    best = material.ranked[:MOST]
    if not best:
        return None
    rows = [
        [
            f"{trial.number}",
            numbers_of(trial.values),
            f"{trial.best_epoch or trial.epochs or ''}",
            params_line(trial.params),
        ]
        for trial in best
    ]
    table = Table(
        ["trial", "value", "epoch", "parameters"], rows, frozenset(("trial", "value", "epoch")), frozenset((0,))
    )
    count = len(material.ranked)
    blocks: list[Block] = [table]
    if count > MOST:
        blocks.append(Text(f"The best {MOST} of {count:,} complete trials.", quiet=True))
    return Section("The best trials", blocks)
