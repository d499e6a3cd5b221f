"""Proposals of Optuna's samplers, from a bounded history in memory."""

import copy
import random
from collections.abc import Callable, Container, Mapping, Sequence
from itertools import chain
from typing import Any, Literal

import optuna
from optuna.samplers import BaseSampler
from optuna.storages import InMemoryStorage
from optuna.trial import FrozenTrial, TrialState, create_trial

from ....spaces.configurations import Key, configurations, key_of
from ....spaces.parameter import Scalar
from ....spaces.space import SearchSpace
from ..curves import Curves
from ..history import Finished, History
from .suggest import distributions, suggest

Params = dict[str, Scalar]

DRAWS = 10
"""How often a sampler may propose what was tried before; then what is left is searched for something new."""


class OptunaProposer:
    """Proposes configurations of `space`, by a sampler that is made for each trial from its number.

    It draws the same from the same history, whichever process asks. Of a finite space it proposes each configuration
    once. With `curves` it learns from trials that have not ended, too.
    """

    def __init__(
        self,
        space: SearchSpace,
        sampler: Callable[[int], BaseSampler],
        direction: Literal["maximize", "minimize"],
        history: History | None = None,
        curves: Curves | None = None,
    ) -> None:
        self._space, self._sampler = space, sampler
        self._direction: Literal["maximize", "minimize"] = direction
        self._history = history or History(direction)
        self._distributions = distributions(space)
        self._is_finite = space.size() < float("inf")
        self._tried: set[Key | None] = set()
        self._frozen: dict[int, tuple[Finished, FrozenTrial]] = {}
        self._curves, self._reports = curves, 0

    def tell(self, trial: Finished) -> None:
        """Learn of a trial that will not go on."""
        if self._is_finite and not trial.outdated:
            self._tried.add(key_of(self._space, trial.params))
        if not trial.failed and self._own(trial.params) is not None:
            self._history.add(trial)
        else:
            self._history.remove(trial.number)  # as it stood at a rung

    def ask(self, number: int, fixed: Mapping[str, Any], running: Mapping[int, Mapping[str, Any]]) -> Params | None:
        """Propose a configuration for trial `number` that has the `fixed` values, those of its branches included.

        `running` are the parameters of the trials that run or wait at a rung, by number: TPE takes them for bad ones,
        so that no two workers get the same. None where each configuration was tried, or runs.
        """
        self._follow(running)
        study = self._study(number, running)
        if not self._is_finite:
            return _draw(study, self._space, fixed)
        taken = self._tried | {key_of(self._space, params) for params in running.values()}
        drawn = (_draw(study, self._space, fixed) for _ in range(DRAWS))
        left = configurations(self._space, random.Random(number), fixed)
        for params in chain(drawn, left):
            if key_of(self._space, params) not in taken:
                return params
        # what somebody has asked for is trained, though it is known
        return _draw(study, self._space, fixed) if fixed else None

    def _study(self, number: int, running: Mapping[int, Mapping[str, Any]]) -> optuna.Study:
        """The study as the sampler of trial `number` sees it."""
        history = list(self._history)
        self._frozen = {each.number: self._frozen_as(each) for each in history}
        unknown = sorted(running.keys() - self._history.numbers - {number})
        own = ((other, self._own(running[other])) for other in unknown)
        others = [self._running(other, params) for other, params in own if params is not None]
        storage = _Past([*(frozen for _, frozen in self._frozen.values()), *others], number)
        return optuna.create_study(storage=storage, direction=self._direction, sampler=self._sampler(number))

    def _follow(self, running: Mapping[int, Mapping[str, Any]]) -> None:
        """Learn of trials at whatever rung they stand: what came further is better, as TPE has it of pruned ones."""
        if self._curves is None:
            return
        reports = self._curves.reported_since(self._reports)
        self._reports += len(reports)
        for number in set(reports) & running.keys():
            if self._own(running[number]) is not None:
                value, epoch = self._curves.value(number), self._curves[number].epoch
                self._history.add(Finished(number, running[number], value, epoch, complete=False))

    def _frozen_as(self, trial: Finished) -> tuple[Finished, FrozenTrial]:
        before = self._frozen.get(trial.number)
        return before if before is not None and before[0] is trial else (trial, self._freeze(trial))

    def _own(self, params: Mapping[str, Any]) -> Params | None:
        """Those of `params` that are dimensions of the space; None where one has a value that the space has not."""
        # another program has added the trial, or the space was narrowed: it says nothing of what may be proposed
        own = {key: value for key, value in params.items() if key in self._space.by_key}
        return own if all(self._space.by_key[key].contains(value) for key, value in own.items()) else None

    def _freeze(self, trial: Finished) -> FrozenTrial:
        complete = trial.complete and trial.value is not None
        stopped_at = {trial.epoch: trial.value} if not complete and trial.value is not None else {}
        return self._trial(
            trial.number,
            self._own(trial.params) or {},
            state=TrialState.COMPLETE if complete else TrialState.PRUNED,
            value=trial.value,
            intermediate_values=stopped_at,
            constraints={"violation": trial.violation} if trial.violation else None,
        )

    def _running(self, number: int, params: Params) -> FrozenTrial:
        return self._trial(number, params, state=TrialState.RUNNING)

    def _trial(self, number: int, params: Params, **rest: Any) -> FrozenTrial:
        trial = create_trial(params=params, distributions={key: self._distributions[key] for key in params}, **rest)
        trial.number = number
        return trial


def _draw(study: optuna.Study, space: SearchSpace, fixed: Mapping[str, Any]) -> Params:
    trial = study.ask()
    trial._fixed_params = dict(fixed)  # Optuna has no public way to fix the values of a trial after `ask`
    return suggest(trial, space)


class _Past(InMemoryStorage):
    """A store in memory that begins with `trials`, and gives every trial that is made in it the number `number`."""

    def __init__(self, trials: Sequence[FrozenTrial], number: int) -> None:
        super().__init__()
        self._past, self._number = trials, number

    def create_new_trial(self, study_id: int, template_trial: FrozenTrial | None = None) -> int:
        """Make a trial."""
        trial_id = super().create_new_trial(study_id, template_trial)
        self.get_trial(trial_id).number = self._number
        return trial_id

    def get_all_trials(
        self, study_id: int, deepcopy: bool = True, states: Container[TrialState] | None = None
    ) -> list[FrozenTrial]:
        """The trials that were there, and those that were made."""
        past = [trial for trial in self._past if states is None or trial.state in states]
        return [*(copy.deepcopy(past) if deepcopy else past), *super().get_all_trials(study_id, deepcopy, states)]
