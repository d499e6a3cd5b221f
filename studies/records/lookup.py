"""Lookup of studies: all names, the newest, one by name."""

from datetime import datetime

from ...errors import StudyError, nearest
from .readable import Readable


def study_names(storage: Readable) -> tuple[str, ...]:
    """The names of all studies, the one worked on last first."""
    worked_on = [(_last_start(storage, s._study_id), s._study_id, s.study_name) for s in storage.get_all_studies()]
    return tuple(name for _, _, name in sorted(worked_on, reverse=True))


def newest_study(storage: Readable) -> str:
    """The name of the study worked on last.

    Raises:
        StudyError: the store holds no study.
    """
    names = study_names(storage)
    if not names:
        raise StudyError("no study has been run here yet; start one with: hpo run --space SPACE --trials N")
    return names[0]


def study_id(storage: Readable, study_name: str) -> int:
    """The number by which the store, and optuna-dashboard, know a study.

    Raises:
        StudyError: no such study.
    """
    try:
        return storage.get_study_id_from_name(study_name)
    except KeyError:
        names = study_names(storage)
        tail = nearest(study_name, names) if names else "no study has been run here yet"
        raise StudyError(f"no study is called {study_name!r}; {tail}") from None


def _last_start(storage: Readable, study_id: int) -> datetime:
    """The start of its newest trial; the earliest datetime for none."""
    # one trial per study is read, not all: the list stays quick with many studies
    count = storage.get_n_trials(study_id)
    if count == 0:
        return datetime.min
    trial = storage.get_trial(storage.get_trial_id_from_study_id_trial_number(study_id, count - 1))
    return trial.datetime_start or datetime.min
