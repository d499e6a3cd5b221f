"""The generations of CMA-ES, from the finished trials of a study."""

from bisect import bisect_left

import numpy as np

from ...spaces.parameter import Choice, Parameter, Scalar
from ...spaces.unit import from_unit, to_unit
from .base import Setting
from .cma import Array, Cma, State
from .history import Finished, History
from .trial_seed import trial_seed

STEP = 1 / 6  # the first, as a share of each dimension: Optuna's
LEAST_BINS = 0.2  # the least standard deviation in a dimension of finitely many values, in their distances
KEPT = 100  # states, so that a trial that ends late makes no more generations again than needed


class Evolution(History):
    """A history that keeps, beside the best and the newest, where every trial was, in the order of their numbers.

    So many in a row as are a generation of CMA-ES are one, whenever they ended. It can take points that were not drawn
    from its present distribution, as the priors, enqueued trials and those of slow workers are not. Their values count
    by rank alone: by value what is complete, then what was stopped late, then what broke constraints.

    Dimensions are those with more than one value that are no choices, in all branches. For those that a trial has not,
    points are drawn of the distribution at that time, so that it learns nothing there.
    """

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting.direction)
        parameters = setting.space.parameters
        self.dimensions = tuple(each for each in parameters if not isinstance(each, Choice) and each.size() > 1)
        self._seed, self._strategy = setting.seed, Cma(max(1, len(self.dimensions)))
        self._least = np.array([LEAST_BINS / each.size() for each in self.dimensions])
        self._points: dict[int, Array] = {}
        mean = np.array([to_unit(each, _first(each)) for each in self.dimensions])
        self._states = {0: self._strategy.start(mean, STEP)}

    def add(self, trial: Finished) -> None:
        """Add a trial, in place of what it was before."""
        super().add(trial)
        self._points[trial.number] = np.array([_place(each, trial.params.get(each.key)) for each in self.dimensions])
        self._forget(bisect_left(self._numbers, trial.number))

    def remove(self, number: int) -> None:
        """Remove trial `number`, if it is there."""
        index = bisect_left(self._numbers, number)
        super().remove(number)
        if self._points.pop(number, None) is not None:
            self._forget(index)

    def _forget(self, index: int) -> None:
        """Drop the states after the generation in which there was a change."""
        unchanged = index // self._strategy.population
        self._states = {after: state for after, state in self._states.items() if after <= unchanged}

    def draw(self, random: np.random.Generator) -> dict[str, Scalar]:
        """Draw a value for every dimension, by key, after the last whole generation."""
        point = self._strategy.draw(self.state(), random, self._least)
        return {each.key: from_unit(each, float(at)) for each, at in zip(self.dimensions, point, strict=True)}

    def state(self) -> State:
        """The state after the last whole generation."""
        last = len(self._numbers) // self._strategy.population
        for generation in range(max(self._states), last):
            self._states[generation + 1] = self._next(self._states[generation], generation)
            if len(self._states) > KEPT:
                del self._states[min(self._states.keys() - {0})]
        return self._states[last]

    def _next(self, state: State, generation: int) -> State:
        """The state after `generation`, from 0."""
        size = self._strategy.population
        members = self._numbers[generation * size : (generation + 1) * size]
        members = sorted(members, key=lambda number: self._rank(self._trials[number]))
        return self._strategy.tell(state, np.array([self._whole(number, state) for number in members]))

    def _whole(self, number: int, state: State) -> Array:
        point = self._points[number]
        missing = np.isnan(point)
        if not missing.any():
            return point
        random = np.random.default_rng(trial_seed(self._seed, number))
        return np.where(missing, self._strategy.draw(state, random, self._least), point)


def _first(parameter: Parameter) -> Scalar:
    return parameter.prior if parameter.has_prior else from_unit(parameter, 0.5)


def _place(parameter: Parameter, value: Scalar) -> float:
    return float("nan") if value is None else to_unit(parameter, value)
