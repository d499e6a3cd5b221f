"""What has become of a study's trials since it was last looked at."""

from bisect import insort
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from optuna.storages import RDBStorage
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from .. import attributes
from ..records.ranking import rank
from ..store.rows import StudyGoneError


@dataclass(frozen=True, slots=True)
class News:
    """The trials that have `finished` since the last news, and the parameters of those that are `running`, by number.

    Running are also those that are paused at a rung.
    """

    finished: Sequence[FrozenTrial]
    running: Mapping[int, Mapping[str, Any]]


class Feed:
    """The trials of a study, each read once after it has finished."""

    def __init__(self, storage: RDBStorage, study_id: int, direction: StudyDirection) -> None:
        self._storage, self._study_id, self._direction = storage, study_id, direction
        self._last_id, self._unfinished = -1, dict[int, FrozenTrial]()
        self._unread: list[FrozenTrial] = []
        self._ranked: list[tuple[Any, int]] = []

    def news(self) -> News:
        """The news since the last call."""
        self._read()
        finished, self._unread = self._unread, []
        running = [trial for trial in self._unfinished.values() if trial.state is TrialState.RUNNING]
        return News(finished, {trial.number: trial.params for trial in running})

    def best(self, count: int) -> list[int]:
        """The numbers of the `count` best complete trials that hpo ran, the best first."""
        self._read()
        return [number for _, number in self._ranked[:count]]

    def _read(self) -> None:
        try:
            trials = self._storage._get_trials(self._study_id, None, set(self._unfinished), self._last_id)
        except KeyError:
            raise StudyGoneError("the study was deleted") from None
        self._last_id = max([self._last_id, *(trial._trial_id for trial in trials)])
        self._unfinished = {trial._trial_id: trial for trial in trials if not trial.state.is_finished()}
        for trial in trials:
            if trial.state.is_finished():
                self._unread.append(trial)
                self._rank(trial)

    def _rank(self, trial: FrozenTrial) -> None:
        # hpo keeps the configuration of each trial that it runs; one of another program has no folder
        if trial.state is TrialState.COMPLETE and trial.value is not None and attributes.CONFIG in trial.user_attrs:
            insort(self._ranked, (rank(self._direction, trial.value, trial.number), trial.number))
