"""The time in which a study was worked on."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from optuna.trial import FrozenTrial

from .. import attributes

IDLE_S = 60.0
"""A time without any running trial that is longer than this lies between two runs, and is no part of the wall time.

Within a run a free slot is filled at once; a minute leaves room for a slow store, and is less than a person takes.
"""

_Span = tuple[datetime, datetime]


def wall_s(trials: Sequence[FrozenTrial]) -> float:
    """The seconds in which at least one of `trials` was running, and the idle times between up to IDLE_S each.

    A trial that still runs counts up to the last start or end in the study. So the time between two separate runs is
    left out, unless a trial was interrupted by the end of the first and finished in the second.
    """
    starts = [trial.datetime_start for trial in trials if trial.datetime_start]
    last = max([*starts, *(trial.datetime_complete for trial in trials if trial.datetime_complete)], default=None)
    if last is None:
        return 0.0
    spans = sorted(span for trial in trials for span in _spans(trial, last))
    total, reached = timedelta(), spans[0][0]
    for start, end in spans:
        idle = (start - reached).total_seconds()  # negative where trials overlap, which then count once
        total += max(end - reached, timedelta()) if idle <= IDLE_S else end - start
        reached = max(reached, end)
    return round(total.total_seconds(), 3)


def _spans(trial: FrozenTrial, last: datetime) -> Iterator[_Span]:
    """The times in which a trial was running, as far as the record tells."""
    if trial.datetime_start is None:
        return
    start, end = trial.datetime_start, trial.datetime_complete or last
    if attributes.PAUSED not in trial.user_attrs:
        yield start, end
        return
    # one that was paused at a rung trained up to its end only if it ended by itself; else it was told where it stood
    trained = trial.user_attrs.get(attributes.DURATION_S)
    span = min(timedelta(seconds=trained if isinstance(trained, int | float) else 0.0), end - start)
    yield (end - span, end) if attributes.STATUS in trial.user_attrs else (start, start + span)
