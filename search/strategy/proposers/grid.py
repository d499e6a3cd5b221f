"""Proposals of all configurations of a grid."""

import random
from collections.abc import Mapping
from dataclasses import replace
from math import gcd, isinf
from typing import Any

from ....errors import SpaceError
from ....spaces.configurations import Key, configuration_at, configurations, count, key_of
from ....spaces.parameter import Choice, Parameter, Scalar
from ....spaces.space import SearchSpace
from ....spaces.unit import from_unit
from ..history import Finished
from ..trial_seed import trial_seed
from .untried import nothing_left

GOLDEN = (5**0.5 - 1) / 2
"""The share of the grid from one proposal to the next.

Multiples of the golden ratio are spread evenly over a circle, however many of them there are (Knuth, volume 3, section
6.4): a search that ends before the grid does has seen all parts of it.
"""


class GridProposer:
    """Proposes each configuration of a grid over `space` once.

    The grid has all values of finite dimensions, and `points` of a continuous one, both ends among them, equally far
    from each other on its scale. Each trial begins to look at a place that follows from its number, so that the order
    is that of no dimension.

    Raises:
        SpaceError: a dimension is continuous, and there are no `points`; or there are fewer than 2.
    """

    def __init__(self, space: SearchSpace, seed: int, points: int | None = None) -> None:
        if points is not None and points < 2:
            raise SpaceError(f"--sampler grid:N needs N points, at least 2, got {points}")
        dimensions = tuple(_gridded(parameter, points) for parameter in space.parameters)
        self._grid = replace(space, parameters=dimensions)
        self._count = count(self._grid)
        self._size, self._first = int(self._grid.size()), trial_seed(seed, 0)
        self._stride = next(step for step in range(int(self._size * GOLDEN) or 1, 2**63) if gcd(step, self._size) == 1)
        self._tried: set[Key | None] = set()

    def tell(self, trial: Finished) -> None:
        """Learn of a trial that will not go on: unless it is outdated, its configuration is not proposed again."""
        if not trial.outdated:
            self._tried.add(key_of(self._grid, trial.params))

    def size(self) -> float:
        """Count the configurations of the grid."""
        return self._count

    def ask(
        self, number: int, fixed: Mapping[str, Any], running: Mapping[int, Mapping[str, Any]]
    ) -> Mapping[str, Scalar] | None:
        """Propose a configuration that has the `fixed` values, and was not tried and does not run."""
        taken = self._tried | {key_of(self._grid, params) for params in running.values()}
        if fixed:
            return self._fixed(number, fixed, taken)
        if len(taken - {None}) < self._size:
            for step in range(self._size):
                params = configuration_at(self._grid, (self._first + (number + step) * self._stride) % self._size)
                if key_of(self._grid, params) not in taken and self._grid.allows(params):
                    return params
        return None

    def _fixed(self, number: int, fixed: Mapping[str, Any], taken: set[Key | None]) -> Mapping[str, Scalar] | None:
        left = filter(self._grid.allows, configurations(self._grid, random.Random(number), fixed))
        if (first := next(left, None)) is None:
            raise nothing_left("configuration of the grid", fixed)
        # what somebody has asked for is trained, though it is known, or between the points
        off = any(key in fixed and not self._grid.by_key[key].contains(fixed[key]) for key in first)
        if off:
            return first
        return next((params for params in (first, *left) if key_of(self._grid, params) not in taken), first)


def _gridded(parameter: Parameter, points: int | None) -> Parameter:
    """A dimension with the values that it has on the grid."""
    if not isinf(parameter.size()):
        return parameter
    if points is None:
        law = f"--sampler grid: {parameter.key} is continuous"
        raise SpaceError(f"{law}; give it a step in the space, or all such dimensions 5 points with grid:5")
    values = (from_unit(parameter, index / (points - 1)) for index in range(points))
    return Choice(parameter.key, tuple(values), condition=parameter.condition)
