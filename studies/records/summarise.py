"""The summary of a study, made from its trials in the store."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import takewhile
from typing import Any

from optuna.study import StudyDirection

from ...common.fronts import knee
from .. import attributes
from .audit import audit_of
from .lookup import study_id, study_names
from .ranking import pareto_front, point, ranked
from .readable import Readable
from .rungs import rungs_of
from .strategy import StrategyRecord
from .study import StudySummary, numbers_by_name
from .trial import PAUSED, STATES, TrialRecord, read_trial
from .wall_time import wall_s


def summarise(storage: Readable, study_name: str) -> StudySummary:
    """Everything about one study.

    Raises:
        StudyError: no such study.
    """
    identifier = study_id(storage, study_name)
    study_attributes = storage.get_study_user_attrs(identifier)
    directions = storage.get_study_directions(identifier)
    frozen = storage.get_all_trials(identifier, deepcopy=False)
    trials = tuple(read_trial(trial) for trial in frozen)
    complete = ranked(trials, directions)
    # the winner must be retrained from its configuration, which trials of other programs do not have
    own = [trial for trial in complete if not trial.is_foreign]
    front = pareto_front(own, directions) if len(directions) > 1 else []
    best = front[knee([point(directions, trial.values) for trial in front])] if front else next(iter(own), None)
    strategy = StrategyRecord.from_attributes(study_attributes)
    words = tuple("minimize" if each == StudyDirection.MINIMIZE else "maximize" for each in directions)
    rungs = rungs_of(trials, strategy.rungs if strategy else (), directions)
    return StudySummary(
        study=study_name,
        direction=words[0],
        metric=str(study_attributes.get(attributes.OBJECTIVE_METRIC, "value")),
        further=tuple(zip(_further(study_attributes, len(words) - 1), words[1:], strict=True)),
        at=_at(study_attributes),
        counts=_counts(trials),
        best=best,
        front=tuple(front),
        passed_over=() if front else tuple(takewhile(lambda trial: trial is not best, complete)),
        wall_s=wall_s(frozen),
        failures=_failures(trials),
        attributes=study_attributes,
        trials=trials,
        strategy=strategy,
        rungs=rungs,
        audit=audit_of(trials, rungs, words[0], strategy.audit if strategy else 0.0),
    )


def list_studies(storage: Readable) -> tuple[StudySummary, ...]:
    """All studies, the one worked on last first."""
    return tuple(summarise(storage, name) for name in study_names(storage))


def _further(noted: Mapping[str, Any], count: int) -> list[str]:
    """The metrics of `count` further objectives; those of another program have numbers for names."""
    try:
        metrics = [str(metric) for metric, _ in json.loads(noted.get(attributes.OBJECTIVES, "[]"))][1:]
    except (ValueError, TypeError):
        metrics = []
    return metrics if len(metrics) == count else [f"value {number}" for number in range(1, count + 1)]


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
