"""What has become of a study's trials since it was last looked at."""

from bisect import insort
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from types import MappingProxyType
from typing import Any

from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from ...common.fronts import fronts
from .. import attributes
from ..lineage import extended_trial
from ..records.ranking import point, rank


@dataclass(frozen=True, slots=True)
class News:
    """The trials that have `finished` since the last news, and the parameters of those that are `running`, by number.

    Running are also those that are paused at a rung.
    """

    finished: Sequence[FrozenTrial]
    running: Mapping[int, Mapping[str, Any]]


class Feed:
    """What trials have come to, in a study of objectives in these `directions`.

    Extensions are among its best, and no news: what they come to with another budget would mislead who proposes.

    Trials that break a constraint are none of the best.
    """

    def __init__(self, directions: Sequence[StudyDirection]) -> None:
        self._directions = directions
        self._running: dict[int, Mapping[str, Any]] = {}  # parameters by number, also of paused ones
        self._unread: list[FrozenTrial] = []
        self._ranked: list[tuple[Any, int]] = []
        self._points: dict[int, tuple[float, ...]] = {}  # where there are several objectives
        self._values: dict[int, float] = {}

    def take(self, trials: Iterable[FrozenTrial]) -> None:
        """Note what trials have come to; each is finished once."""
        for trial in sorted(trials, key=lambda trial: trial.number):
            if trial.state.is_finished():
                self._rank(trial)
            if extended_trial(trial.user_attrs.get(attributes.ORIGIN)) is None:
                self._note(trial)

    def news(self) -> News:
        """The news since the last call."""
        finished, self._unread = self._unread, []
        return News(finished, MappingProxyType(self._running))

    def best(self, count: int) -> list[int]:
        """The numbers of the `count` best complete trials that hpo ran, the best first.

        With several objectives they are all of the Pareto front, and more where it has fewer.
        """
        if len(self._directions) == 1:
            return [number for _, number in self._ranked[:count]]
        if not self._points:
            return []
        numbers, ordered = [*self._points], fronts([*self._points.values()])
        return [numbers[index] for index in [*chain.from_iterable(ordered)][: max(count, len(ordered[0]))]]

    def values(self) -> Mapping[int, float]:
        """The first objective of each of them, by number."""
        return self._values

    def _note(self, trial: FrozenTrial) -> None:
        """Make a trial that was drawn for the study a part of the news."""
        if trial.state is TrialState.RUNNING:
            self._running[trial.number] = trial.params
        else:
            self._running.pop(trial.number, None)
        if trial.state.is_finished():
            self._unread.append(trial)

    def _rank(self, trial: FrozenTrial) -> None:
        # hpo keeps the configuration of each trial that it runs; one of another program has no folder
        own = trial.state is TrialState.COMPLETE and attributes.CONFIG in trial.user_attrs
        if (
            not own
            or len(trial.values or ()) != len(self._directions)
            or any(excess > 0 for excess in trial.constraints.values())
        ):
            return
        self._values[trial.number] = trial.values[0]
        if len(self._directions) > 1:
            self._points[trial.number] = point(self._directions, trial.values)
        else:
            insort(self._ranked, (rank(self._directions[0], trial.values[0], trial.number), trial.number))
