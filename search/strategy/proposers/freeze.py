"""Trials as Optuna's samplers are given them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from math import inf, isfinite
from statistics import median
from typing import Any, Literal

from optuna.trial import FrozenTrial, TrialState, create_trial

from ....spaces.parameter import Parameter, Scalar
from ....spaces.space import SearchSpace
from ..history import Finished
from .own import own_params
from .suggest import distributions

Params = dict[str, Scalar]
Fill = Callable[[Parameter, int], Scalar]
"""A value for a dimension that is not in the branches of a trial, of which there is the number."""

COMPLETE_BEFORE = 4  # trials, until what was stopped is no better than their median; the median pruner's number


class Freeze:
    """Makes Optuna's trials of ours: complete or pruned as they ended, with what they broke of constraints.

    `fill` gives values to the dimensions outside of a trial's branches. Optuna's samplers, but for TPE, model those
    dimensions alone that every trial has: with it, they model all.
    """

    def __init__(self, space: SearchSpace, fill: Fill | None = None) -> None:
        self._space, self._fill = space, fill
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
        complete = trial.complete and trial.value is not None
        stopped_at = {trial.epoch: trial.value} if not complete and trial.value is not None else {}
        return self._trial(
            trial.number,
            own_params(self._space, trial.params) or {},
            state=TrialState.COMPLETE if complete else TrialState.PRUNED,
            value=trial.value,
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

    def __init__(self, space: SearchSpace, direction: Literal["maximize", "minimize"], fill: Fill) -> None:
        super().__init__(space, fill)
        self._sign = -1.0 if direction == "maximize" else 1.0

    def past(self, history: Iterable[Finished]) -> Sequence[FrozenTrial]:
        """The trials of a history, whose parameters are of the space."""
        trials = list(history)
        losses = self._losses(trials)
        worst = 2 * median(losses.values()) - min(losses.values()) if losses else 0.0
        return [
            self._trial(
                trial.number,
                own_params(self._space, trial.params) or {},
                state=TrialState.COMPLETE,
                value=self._sign * min(losses.get(trial.number, worst), worst),
            )
            for trial in trials
        ]

    def _losses(self, trials: Sequence[Finished]) -> dict[int, float]:
        """The losses, less being better, of those that have any and broke no constraints."""
        valid = [trial for trial in trials if trial.value is not None and isfinite(trial.value) and not trial.violation]
        losses = {trial.number: self._sign * trial.value for trial in valid if trial.value is not None}
        complete = [losses[trial.number] for trial in valid if trial.complete]
        least = median(complete) if len(complete) >= COMPLETE_BEFORE else -inf
        return losses | {each.number: max(losses[each.number], least) for each in valid if not each.complete}
