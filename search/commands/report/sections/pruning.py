"""Pruning: which trials were stopped where, and the epochs that this saved."""

from collections import Counter
from collections.abc import Iterator

from .....common.charts.bars import Bar, bars
from .....common.sections import Block, Chart, Section, Table, Text
from .....studies.records.trial import PAUSED, TrialRecord
from ....progress.audit import audit_line
from ....progress.format import number_of
from ..material import Material
from .registry import register_section

BARS = 30
"""Bars at most: with longer budgets one stands for several epochs."""

NAMED = 12
"""Trials that are named, those with the best values first: of them one would ask why."""


@register_section("pruning", place=40)
def pruning(material: Material) -> Section | None:
    """Stops by epoch and the rungs; None where no trial was stopped or paused."""
    stopped = [trial for trial in material.summary.trials if trial.state in ("pruned", PAUSED) and trial.cause is None]
    stopped = [trial for trial in stopped if trial.epochs]
    return Section("Pruning", [*_blocks(material, stopped)]) if stopped else None


def _blocks(material: Material, stopped: list[TrialRecord]) -> Iterator[Block]:
    saved, planned = _saved(stopped)
    share = f"{len(stopped):,} of {len(material.summary.trials):,} trials"
    words = f"{share} were stopped or are paused before their last epoch"
    yield Text(f"{words}; that saved {saved:,} of the {planned:,} epochs that they had." if planned else f"{words}.")
    yield Chart(bars([*_bars(stopped)], "Trials by the epoch after which they were stopped"))
    rungs = material.summary.rungs
    if any(rung.reached for rung in rungs):
        rows = [[f"{r.epoch:,}", f"{r.reached:,}", f"{len(r.promoted):,}"] for r in rungs if r.reached]
        yield Table(["rung at epoch", "reached", "went on"], rows, numbers=frozenset(("reached", "went on")))
    if material.summary.audit is not None:
        yield Text(f"{audit_line(material.summary.audit).capitalize()}.")
    yield from _named(material, stopped)


def _saved(trials: list[TrialRecord]) -> tuple[int, int]:
    """The epochs that were not trained and those that were planned, of the trials whose budget is on record."""
    known = [(trial.planned_epochs, trial.epochs) for trial in trials if trial.planned_epochs]
    planned = sum(max(plan or 0, done) for plan, done in known)
    return planned - sum(done for _, done in known), planned


def _bars(stopped: list[TrialRecord]) -> Iterator[Bar]:
    at = Counter(max(trial.curve) for trial in stopped)
    begin, end = min(at), max(at) + 1  # other programs may count from 0
    width = -(-(end - begin) // BARS)  # epochs of a bar
    for first in range(begin, end, width):
        last = first + width - 1
        count = sum(at[epoch] for epoch in range(first, last + 1))
        if count:
            yield Bar(f"epoch {first}" if width == 1 else f"epochs {first} to {last}", count, f"{count:,}")


def _named(material: Material, stopped: list[TrialRecord]) -> Iterator[Block]:
    """The stopped trials that had come furthest in value."""
    better = max if material.summary.direction == "maximize" else min
    best = {trial.number: better(trial.curve.values()) for trial in stopped}
    order = sorted(stopped, key=lambda trial: best[trial.number], reverse=better is max)[:NAMED]
    rows = [
        [
            f"{trial.number}",
            f"{max(trial.curve)}",
            number_of(best[trial.number]),
            number_of(list(trial.curve.values())[-1]),
        ]
        for trial in order
    ]
    yield Text("Those that had the best values when they were stopped:")
    columns = ["trial", "after epoch", "best value", "last value"]
    yield Table(columns, rows, numbers=frozenset(columns))
