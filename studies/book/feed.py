"""What has become of a study's trials since it was last looked at."""

from bisect import insort
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from optuna.storages import RDBStorage
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from .. import attributes
from ..records.ranking import rank
from ..store.transaction import StudyGoneError
from .census import Census


@dataclass(frozen=True, slots=True)
class News:
    """The trials that have `finished` since the last news, and the parameters of those that are `running`, by number.

    Running are also those that are paused at a rung.
    """

    finished: Sequence[FrozenTrial]
    running: Mapping[int, Mapping[str, Any]]


class Feed:
    """The trials of a study, each read once after it has finished, and not while it is paused, as `census` knows."""

    def __init__(self, storage: RDBStorage, study_id: int, direction: StudyDirection, census: Census) -> None:
        self._storage, self._study_id, self._direction, self._census = storage, study_id, direction, census
        self._last_id = -1
        self._unfinished: dict[int, int] = {}  # numbers by id, but for those that were paused at the last look
        self._running: dict[int, Mapping[str, Any]] = {}  # parameters by number
        self._unread: list[FrozenTrial] = []
        self._ranked: list[tuple[Any, int]] = []
        self._values: dict[int, float] = {}

    def news(self) -> News:
        """The news since the last call."""
        self._read()
        finished, self._unread = self._unread, []
        return News(finished, MappingProxyType(self._running))

    def best(self, count: int) -> list[int]:
        """The numbers of the `count` best complete trials that hpo ran, the best first."""
        self._read()
        return [number for _, number in self._ranked[:count]]

    def values(self) -> Mapping[int, float]:
        """The objective of each complete trial that hpo ran, by number."""
        self._read()
        return self._values

    def _read(self) -> None:
        try:
            trials = self._storage._get_trials(self._study_id, None, self._to_read(), self._last_id)
        except KeyError:
            raise StudyGoneError("the study was deleted") from None
        for trial in sorted(trials, key=lambda trial: trial.number):
            self._last_id = max(self._last_id, trial._trial_id)
            self._unfinished[trial._trial_id] = trial.number
            if trial.state is TrialState.RUNNING:
                self._running[trial.number] = trial.params
            else:
                self._running.pop(trial.number, None)
            if trial.state.is_finished():
                del self._unfinished[trial._trial_id]
                self._unread.append(trial)
                self._rank(trial)

    def _to_read(self) -> set[int]:
        """The ids of the trials that may have changed: thousands that are paused are not looked through."""
        paused, awake, self._census.awake = self._census.paused, self._census.awake, {}
        looked_at = self._unfinished | awake
        self._unfinished = {trial_id: number for trial_id, number in looked_at.items() if number not in paused}
        return set(self._unfinished)

    def _rank(self, trial: FrozenTrial) -> None:
        # hpo keeps the configuration of each trial that it runs; one of another program has no folder
        if trial.state is TrialState.COMPLETE and trial.value is not None and attributes.CONFIG in trial.user_attrs:
            self._values[trial.number] = trial.value
            insort(self._ranked, (rank(self._direction, trial.value, trial.number), trial.number))
