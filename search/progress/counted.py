"""How many trials of a study ended how, in words."""

from collections import Counter

from ...studies.records.study import StudySummary
from ...studies.records.trial import TrialRecord
from .format import ending


def how_it_stands(record: TrialRecord) -> str:
    """The state of a trial in words, or by what it was cut short."""
    return ending(record.cut_short) if record.cut_short else record.state


def counted(summary: StudySummary) -> str:
    """Count the trials by how they stand: `12 complete, 3 pruned, 2 diverged, 1 paused`.

    `pruned` are those that were stopped for others; to Optuna also those that diverged, ran out of memory or time, or
    broke a constraint.
    """
    counts: Counter[str] = Counter()
    for state in summary.counts:  # the order of states, with what was cut short after the others of its state
        own = (trial for trial in summary.trials if trial.state == state)
        counts.update(how_it_stands(trial) for trial in sorted(own, key=lambda trial: bool(trial.cut_short)))
    return ", ".join(f"{count:,} {words}" for words, count in counts.items()) or "no trials yet"
