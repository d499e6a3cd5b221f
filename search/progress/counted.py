"""How many trials of a study ended how, in words."""

from collections import Counter

from ...studies.records.study import StudySummary
from .format import ending


def counted(summary: StudySummary) -> str:
    """Count the trials by how they stand: `12 complete, 3 pruned, 2 diverged, 1 paused`.

    `pruned` are those that were stopped for others; to Optuna also those that diverged, ran out of memory or time, or
    broke a constraint.
    """
    counts: Counter[str] = Counter()
    for state in summary.counts:  # the order of states, with what was cut short after the others of its state
        own = [trial for trial in summary.trials if trial.state == state]
        counts.update(state for trial in own if not trial.cut_short)
        counts.update(ending(trial.cut_short) for trial in own if trial.cut_short)
    return ", ".join(f"{count:,} {words}" for words, count in counts.items()) or "no trials yet"
