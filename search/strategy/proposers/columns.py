"""Configurations as rows of numbers, many at once: what a model of them is fitted to, and chooses among."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....spaces.parameter import Choice, Parameter, Scalar
from ....spaces.space import SearchSpace
from ....spaces.unit import from_unit, to_unit
from .belief import Belief, belief_in

Rows = NDArray[np.float64]
"""Configurations, [count, dimensions]: places in [0, 1], or OUTSIDE."""

OUTSIDE = -1.0
"""The place of a dimension that is not in the branches of a configuration: as far from all values as these spread."""

BINS = 1000
"""A finite dimension of more values than this is treated as a continuous one: its bins are too narrow to matter."""


class Columns:
    """The dimensions of a space as columns, those in branches among them."""

    def __init__(self, space: SearchSpace) -> None:
        self._space = space
        self._dimensions = space.parameters
        self._index = {parameter.key: column for column, parameter in enumerate(space.parameters)}
        self._places = [_places(parameter) for parameter in space.parameters]
        self._beliefs: list[Belief | None] = [belief_in(parameter) for parameter in space.parameters]
        self._branches = [
            [(self._index[key], to_unit(space.by_key[key], branch)) for key, branch in parameter.condition]
            for parameter in space.parameters
        ]
        self.any_prior = any(belief is not None for belief in self._beliefs)

    def row(self, params: Mapping[str, Any]) -> Rows:
        """The row of a configuration, [dimensions]; its values are of the space."""
        active = self._space.active(params)
        row = np.full(len(self._dimensions), OUTSIDE)
        for parameter in active:
            if parameter.key in params:
                row[self._index[parameter.key]] = to_unit(parameter, params[parameter.key])
        return row

    def params(self, row: Rows, fixed: Mapping[str, Any]) -> dict[str, Scalar]:
        """The configuration of a row, with the `fixed` values as they are."""
        params: dict[str, Scalar] = {}
        for parameter in self._space.active(params):
            unit = row[self._index[parameter.key]]
            own = fixed[parameter.key] if parameter.key in fixed else from_unit(parameter, float(unit))
            params[parameter.key] = own
        return params

    def draw(self, random: np.random.Generator, count: int, near_priors: float, fixed: Mapping[str, Any]) -> Rows:
        """Draw `count` configurations that have the `fixed` values, a share `near_priors` of them near the priors."""
        rows = random.random((count, len(self._dimensions)))
        believing = random.random(count) < near_priors
        for column, (parameter, belief) in enumerate(zip(self._dimensions, self._beliefs, strict=True)):
            if belief is not None:  # drawn whether anything believes or not, so that no draw depends on another
                rows[:, column] = np.where(believing, belief.draw(random, count), rows[:, column])
            if parameter.key in fixed and parameter.contains(fixed[parameter.key]):
                rows[:, column] = to_unit(parameter, fixed[parameter.key])
        return self.settle(rows)

    def settle(self, rows: Rows) -> Rows:
        """Move places to those of values, and out what is not in a row's branches."""
        for column, (places, branches) in enumerate(zip(self._places, self._branches, strict=True)):
            if places is not None:
                between = (places[1:] + places[:-1]) / 2
                rows[:, column] = places[np.searchsorted(between, rows[:, column])]
            for choice, branch in branches:  # parents come first: theirs are settled
                rows[rows[:, choice] != branch, column] = OUTSIDE
        return rows

    def log_odds(self, rows: Rows) -> NDArray[np.float64]:
        """How much likelier each row is drawn near the priors than anywhere, [count], as a logarithm."""
        odds = np.zeros(len(rows))
        for column, belief in enumerate(self._beliefs):
            if belief is not None:
                odds += np.where(rows[:, column] == OUTSIDE, 0.0, belief.log_odds(rows[:, column]))
        return odds


def _places(parameter: Parameter) -> NDArray[np.float64] | None:
    """The places of a finite dimension's values, ascending; None where they are anywhere."""
    size = parameter.size()
    if size > BINS and not isinstance(parameter, Choice):
        return None
    values: Sequence[Scalar] = [parameter.at(position) for position in range(int(size))]
    return np.array([to_unit(parameter, value) for value in values])
