"""The summary of a study, made from its trials in the store."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from optuna.study import StudyDirection
from optuna.trial import FrozenTrial

from .. import attributes
from .lookup import study_id, study_names
from .ranking import ranked
from .readable import Readable
from .study import StudySummary, numbers_by_name
from .trial import PAUSED, STATES, TrialRecord, read_trial

IDLE_S = 60.0
"""A time without any running trial that is longer than this lies between two runs, and is no part of `wall_s`.

Within a run a free slot is filled at once; a minute leaves room for a slow store, and is less than a person takes.
"""


def summarise(storage: Readable, study_name: str) -> StudySummary:
    """Everything about one study.

    `wall_s` adds the times in which at least one trial was running, from its start to its end, and the pauses between
    them up to IDLE_S each; a trial that still runs counts up to the last start or end in the study. So the time between
    two separate runs is left out, unless a trial was interrupted by the end of the first and finished in the second.

    Raises:
        StudyError: no such study.
    """
    identifier = study_id(storage, study_name)
    study_attributes = storage.get_study_user_attrs(identifier)
    direction = storage.get_study_directions(identifier)[0]
    frozen = storage.get_all_trials(identifier, deepcopy=False)
    trials = tuple(read_trial(trial) for trial in frozen)
    complete = ranked(trials, direction)
    # the winner must be retrained from its configuration, which trials of other programs do not have
    best = next((i for i, trial in enumerate(complete) if not trial.is_foreign), len(complete))
    return StudySummary(
        study=study_name,
        direction="minimize" if direction == StudyDirection.MINIMIZE else "maximize",
        metric=str(study_attributes.get(attributes.OBJECTIVE_METRIC, "value")),
        at=_at(study_attributes),
        counts=_counts(trials),
        best=complete[best] if best < len(complete) else None,
        passed_over=tuple(complete[:best]),
        wall_s=_wall_s(frozen),
        failures=_failures(trials),
        attributes=study_attributes,
        trials=trials,
    )


def list_studies(storage: Readable) -> tuple[StudySummary, ...]:
    """All studies, the one worked on last first."""
    return tuple(summarise(storage, name) for name in study_names(storage))


def _at(noted: Mapping[str, Any]) -> str:
    """Which epoch of a trial counts, in words; empty in studies of other programs."""
    return str(noted.get(attributes.OBJECTIVE_AT, "the best epoch" if attributes.SPACE in noted else ""))


def _counts(trials: Iterable[TrialRecord]) -> dict[str, int]:
    """The number of trials in each state; of paused ones where there are any, as few pruners pause."""
    counted = Counter(trial.state for trial in trials)
    return {name: counted[name] for name in (*STATES.values(), PAUSED) if name != PAUSED or counted[PAUSED]}


def _failures(trials: Iterable[TrialRecord]) -> dict[str, tuple[int, ...]]:
    """Trial numbers by cause, the most frequent cause first."""
    return numbers_by_name((trial.cause, trial.number) for trial in trials)


def _wall_s(trials: Sequence[FrozenTrial]) -> float:
    """The seconds in which the study was worked on."""
    starts = [trial.datetime_start for trial in trials if trial.datetime_start]
    last = max([*starts, *(trial.datetime_complete for trial in trials if trial.datetime_complete)], default=None)
    if last is None:
        return 0.0
    spans = sorted((trial.datetime_start, trial.datetime_complete or last) for trial in trials if trial.datetime_start)
    total, reached = timedelta(), spans[0][0]
    for start, end in spans:
        idle = (start - reached).total_seconds()  # negative where trials overlap, which then count once
        total += max(end - reached, timedelta()) if idle <= IDLE_S else end - start
        reached = max(reached, end)
    return round(total.total_seconds(), 3)
