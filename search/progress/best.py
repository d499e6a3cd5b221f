"""The best of a study as a person reads it: a trial or, with several objectives, a Pareto front."""

from collections.abc import Iterator

from ...common.plural import plural
from ...studies.records.study import StudySummary
from .format import numbers_of, trial_with, with_interval

SHOWN = 12
"""Trials of a front that have a line: more are in the table of `hpo show`, which is bold there."""


def best_lines(summary: StudySummary, *, named: bool = False) -> Iterator[str]:
    """Describe the best of a study that has one; `named` says what of, where it is not said already."""
    best = summary.best
    assert best is not None
    measure = f"{summary.metric} " if named else ""
    if not summary.front:
        value = with_interval(best.value, summary.best_interval)
        yield f"best {measure}{value}, {trial_with(best.number, best.params)}"
        return
    names = ", ".join(metric for metric, _ in summary.objectives)
    count = plural(len(summary.front), "trial")
    yield f"front of {count} by {names}; the knee is {trial_with(best.number, best.params)}"
    for trial in summary.front[:SHOWN]:
        yield f"  {numbers_of(trial.values)}  trial {trial.number}"
    if len(summary.front) > SHOWN:
        yield f"  and {len(summary.front) - SHOWN} more"
