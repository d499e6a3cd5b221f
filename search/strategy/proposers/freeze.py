"""Trials as Optuna's samplers are given them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from math import inf, isfinite
from statistics import median
from typing import Any

from optuna.trial import FrozenTrial, TrialState, create_trial

from ....spaces.parameter import Parameter, Scalar
from ....spaces.space import SearchSpace
from ..curves import Direction
from ..history import Finished
from .own import own_params
from .suggest import distributions

Params = dict[str, Scalar]
Fill = Callable[[Parameter, int], Scalar]
"""A value for a dimension that is not in the branches of a trial, of which there is the number."""

COMPLETE_BEFORE = 4  # trials, until what was stopped is no better than their median; the median pruner's number


class Freeze:
    """Makes Optuna's trials of ours: complete or pruned as they ended, with what they broke of constraints.

    With several `objectives` Optuna has no value of an epoch: what a trial has come to stands for its end.

    `fill` gives values to the dimensions outside of a trial's branches. Optuna's samplers, but for TPE, model those
    dimensions alone that every trial has: with it, they model all.
    """

    def __init__(self, space: SearchSpace, fill: Fill | None = None, *, objectives: int = 1) -> None:
        self._space, self._fill, self._objectives = space, fill, objectives
        self._distributions = distributions(space)
        self._frozen: dict[int, tuple[Finished, FrozenTrial]] = {}
        self._running: dict[int, tuple[Mapping[str, Any], FrozenTrial | None]] = {}

    def past(self, history: Iterable[Finished]) -> Sequence[FrozenTrial]:
        """The trials of a history, whose parameters are of the space."""
        earlier, self._frozen = self._frozen, {}
        for trial in history:
            before = earlier.get(trial.number)
            # a trial at a rung comes again when it has gone on
            self._frozen[trial.number] = before if before and before[0] is trial else (trial, self._end(trial))
        return [frozen for _, frozen in self._frozen.values()]

    def running(self, trials: Mapping[int, Mapping[str, Any]]) -> Sequence[FrozenTrial]:
        """The trials that run, of parameters by number; without those whose parameters are not of the space."""
        # a thousand workers have as many: each is made once, unless another program draws its values one by one
        earlier, self._running = self._running, {}
        for number, params in trials.items():
            before = earlier.get(number)
            self._running[number] = before if before and before[0] == params else (params, self._run(number, params))
        return [frozen for _, frozen in self._running.values() if frozen is not None]

    def note(self, trial: FrozenTrial) -> None:
        """Take note of a trial that was just drawn."""

    def _run(self, number: int, params: Mapping[str, Any]) -> FrozenTrial | None:
        own = own_params(self._space, params)
        return None if own is None else self._trial(number, own, state=TrialState.RUNNING)

    def _end(self, trial: Finished) -> FrozenTrial:
        is_whole = len(trial.objectives) == self._objectives
        complete = is_whole and (trial.complete or self._objectives > 1)
        stopped_at = {trial.epoch: trial.value} if is_whole and not complete else {}
        return self._trial(
            trial.number,
            own_params(self._space, trial.params) or {},
            state=TrialState.COMPLETE if complete else TrialState.PRUNED,
            values=[*trial.objectives] if is_whole else None,
            intermediate_values=stopped_at,
            constraints={"violation": trial.violation} if trial.violation else None,
        )

    def _trial(self, number: int, params: Params, **rest: Any) -> FrozenTrial:
        if self._fill is not None:
            inactive = (parameter for key, parameter in self._space.by_key.items() if key not in params)
            params = params | {parameter.key: self._fill(parameter, number) for parameter in inactive}
        trial = create_trial(params=params, distributions={key: self._distributions[key] for key in params}, **rest)
        trial.number = number
        trial._trial_id = -2 - number  # they all have the same otherwise; those of a store in memory count from 0
        return trial


class FreezeValues(Freeze):
    """Makes complete trials of all, for samplers that do not look at others and so would try those again.

    The value of one that was stopped is its last, but no better than the median of those that are complete. One that
    broke constraints, or has no number, counts as the worst. The worst are as far behind the median of all as the best
    is before it: one loss of a million would leave a model nothing to see among the others.
    """

    def __init__(self, space: SearchSpace, directions: Sequence[Direction], fill: Fill) -> None:
        super().__init__(space, fill)
        self._signs = [-1.0 if direction == "maximize" else 1.0 for direction in directions]

    def past(self, history: Iterable[Finished]) -> Sequence[FrozenTrial]:
        """The trials of a history, whose parameters are of the space."""
        trials = list(history)
        columns = [self._values(trials, axis) for axis in range(len(self._signs))]
        return [
            self._trial(
                trial.number,
                own_params(self._space, trial.params) or {},
                state=TrialState.COMPLETE,
                values=[column[trial.number] for column in columns],
            )
            for trial in trials
        ]

    def _values(self, trials: Sequence[Finished], axis: int) -> dict[int, float]:
        """The values of one objective that trials are shown with, by number."""
        losses = self._losses(trials, axis)
        worst = 2 * median(losses.values()) - min(losses.values()) if losses else 0.0
        return {each.number: self._signs[axis] * min(losses.get(each.number, worst), worst) for each in trials}

    def _losses(self, trials: Sequence[Finished], axis: int) -> dict[int, float]:
        """The losses, less being better, of those that have any and broke no constraints."""
        valid = {each.number: each for each in trials if _is_valid(each, axis)}
        losses = {number: self._signs[axis] * each.objectives[axis] for number, each in valid.items()}
        if axis:  # what is no more than a cost is known as well of what was stopped
            return losses
        complete = [losses[number] for number, each in valid.items() if each.complete]
        least = median(complete) if len(complete) >= COMPLETE_BEFORE else -inf
        return losses | {number: max(losses[number], least) for number, each in valid.items() if not each.complete}


def _is_valid(trial: Finished, axis: int) -> bool:
    """Whether a trial has a finite value for objective `axis`, and breaks no constraint."""
    values = trial.objectives
    return axis < len(values) and isfinite(values[axis]) and not trial.violation
