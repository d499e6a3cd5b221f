"""Cost: epochs and time by what became of the trials."""

from collections.abc import Sequence

from .....common.sections import Block, Section, Table, Text
from .....studies.records.trial import TrialRecord
from ....progress.format import duration
from ..material import Material
from .registry import register_section


@register_section("cost", place=41)
def cost(material: Material) -> Section | None:
    """Epochs and seconds by state; None where nothing was trained."""
    summary = material.summary
    groups: dict[str, list[TrialRecord]] = {}
    for trial in summary.trials:
        # one that diverged is pruned to Optuna: the cause says more
        groups.setdefault("failed" if trial.cause else trial.state, []).append(trial)
    rows = [_row(state, trials) for state, trials in groups.items()]
    if not any(trial.epochs for trial in summary.trials):
        return None
    rows.append(_row("together", summary.trials))
    columns = ["trials that are", "count", "epochs", "share of the epochs", "time in training"]
    total = summary.epochs_total
    table = [[name, f"{count:,}", f"{epochs:,}", f"{epochs / total:.0%}", time] for name, count, epochs, time in rows]
    blocks: list[Block] = [Table(columns, table, frozenset(columns[1:]), frozenset((len(rows) - 1,)))]
    blocks.append(Text(f"The search took {duration(summary.wall_s)} of wall time.", quiet=True))
    return Section("Cost", blocks)


def _row(state: str, trials: Sequence[TrialRecord]) -> tuple[str, int, int, str]:
    seconds = sum(trial.duration_s or 0.0 for trial in trials)
    return state, len(trials), sum(trial.epochs for trial in trials), duration(seconds)
