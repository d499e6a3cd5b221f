"""Drawing the parameters of a trial before it is in the store."""

from collections.abc import Callable, Mapping
from copy import copy
from typing import Any, cast

from optuna import Study
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler
from optuna.storages import BaseStorage
from optuna.trial import FixedTrial, TrialState, create_trial

from ...studies.book.terms import Opening


class _Reading:
    """A store in which a sampler can leave no note on a trial that is not there yet."""

    def __init__(self, storage: BaseStorage) -> None:
        self._storage = storage

    def __getattr__(self, name: str) -> Any:
        return getattr(self._storage, name)

    def set_trial_system_attr(self, trial_id: int, key: str, value: Any) -> None:
        """Write nothing: the parameters themselves are in the store before another trial is drawn."""


class Draft(FixedTrial):
    """A trial in memory that draws what is not `fixed` from `sampler`, which learns from `study`."""

    def __init__(self, study: Study, number: int, sampler: BaseSampler, fixed: Mapping[str, Any]) -> None:
        super().__init__(dict(fixed), number)
        study = copy(study)
        study._storage = cast("BaseStorage", _Reading(study._storage))
        self._study, self._sampler = study, sampler
        self._frozen = create_trial(state=TrialState.RUNNING)
        self._frozen.number = number
        study._thread_local.cached_all_trials = None  # what a sampler has read of the study for an earlier trial
        sampler.before_trial(study, self._frozen)
        joint = sampler.infer_relative_search_space(study, self._frozen)
        self._relative = sampler.sample_relative(study, self._frozen, joint)

    def _suggest(self, name: str, distribution: BaseDistribution) -> Any:
        if name not in self._params:
            self._params[name] = self._draw(name, distribution)
        value = super()._suggest(name, distribution)
        self._frozen.params[name], self._frozen.distributions[name] = value, distribution
        return value

    def _draw(self, name: str, distribution: BaseDistribution) -> Any:
        # what others have added may lie outside of the space, and a joint draw follows them
        if name in self._relative and distribution._contains(distribution.to_internal_repr(self._relative[name])):
            return self._relative[name]
        return self._sampler.sample_independent(self._study, self._frozen, name, distribution)


def drafts(build: Callable[[int], BaseSampler]) -> Callable[[Opening, Mapping[str, Any]], Draft]:
    """Drafts of trials, each with the sampler that `build` makes for its number."""
    # the number is known only as a trial is claimed: a waiting one has an earlier number
    return lambda trial, fixed: Draft(trial.study, trial.number, build(trial.number), fixed)
