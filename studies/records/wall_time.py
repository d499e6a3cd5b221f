"""The time in which a study was worked on."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from optuna.trial import FrozenTrial

from .. import attributes

IDLE_S = 60.0
"""A time without any running trial that is longer than this lies between two runs, and is no part of the wall time.

Within a run a free slot is filled at once; a minute leaves room for a slow store, and is less than a person takes.
"""

Span = tuple[datetime, datetime]
"""A time from a start to an end."""


def wall_s(trials: Sequence[FrozenTrial]) -> float:
    """The seconds in which a study was worked on: those of `worked`."""
    return round(sum((end - start).total_seconds() for start, end in worked(trials)), 3)


def worked(trials: Sequence[FrozenTrial]) -> list[Span]:
    """The times in which at least one of `trials` was running, in order; idle times up to IDLE_S are part of them.

    A trial that still runs counts up to the last start or end in the study. So the time between two separate runs is
    left out, unless a trial was interrupted by the end of the first and finished in the second.
    """
    joined: list[Span] = []
    for start, end in sorted(span for _, span in running(trials)):
        if joined and (start - joined[-1][1]).total_seconds() <= IDLE_S:  # negative where trials overlap
            joined[-1] = joined[-1][0], max(joined[-1][1], end)
        else:
            joined.append((start, end))
    return joined


def running(trials: Sequence[FrozenTrial]) -> Iterator[tuple[FrozenTrial, Span]]:
    """Each trial that has begun with the time in which it was running, as far as the record tells."""
    starts = [trial.datetime_start for trial in trials if trial.datetime_start]
    last = max([*starts, *(trial.datetime_complete for trial in trials if trial.datetime_complete)], default=None)
    for trial in trials:
        if trial.datetime_start is not None and last is not None:
            yield trial, _span(trial, trial.datetime_start, last)


def _span(trial: FrozenTrial, start: datetime, last: datetime) -> Span:
    end = trial.datetime_complete or last
    if attributes.PAUSED not in trial.user_attrs:
        return start, end
    # one that was paused at a rung trained up to its end only if it ended by itself; else it was told where it stood
    trained = trial.user_attrs.get(attributes.DURATION_S)
    span = min(timedelta(seconds=trained if isinstance(trained, int | float) else 0.0), end - start)
    return (end - span, end) if attributes.STATUS in trial.user_attrs else (start, start + span)
