"""Proposing each configuration of a finite space once."""

import random
from collections.abc import Iterator, Mapping
from itertools import chain, islice
from math import isfinite
from typing import Any

from ....errors import SpaceError
from ....spaces.configurations import Key, configurations, count, key_of
from ....spaces.draw import allowed_draws
from ....spaces.parameter import Scalar
from ....spaces.space import SearchSpace
from ..history import Finished

Params = dict[str, Scalar]

DRAWS = 10
"""How often a sampler may propose what was tried before; then what is left is searched for something new."""


def nothing_left(what: str, fixed: Mapping[str, Any]) -> SpaceError:
    """The error of a trial for which the space forbids all that has the `fixed` values."""
    wanted = ", ".join(f"{key}={value}" for key, value in fixed.items())
    return SpaceError(f"forbid leaves no {what}{f' with {wanted}' if wanted else ''} to be found")


class Untried:
    """What of a finite space was not tried; every configuration of one without an end."""

    def __init__(self, space: SearchSpace) -> None:
        self._space = space
        self.size = count(space)
        self._tried: set[Key | None] = set()
        self._running: dict[int, Key | None] = {}  # thousands of trials may wait at rungs: each is read once

    def tell(self, trial: Finished) -> None:
        """Note a trial that will not go on."""
        if isfinite(self.size) and not trial.outdated:
            self._tried.add(key_of(self._space, trial.params))

    def first(
        self,
        number: int,
        fixed: Mapping[str, Any],
        running: Mapping[int, Mapping[str, Any]],
        draws: Iterator[Params],
    ) -> Params | None:
        """The first of `draws` that is allowed, was not tried and does not run; else what is left; None for nothing.

        Args:
            number: of the trial that it is for.
            fixed: values that it must have, and the draws have.
            running: parameters of the trials that run, or wait at a rung, by number.
            draws: of a sampler, at least one.

        Raises:
            SpaceError: all that has the `fixed` values is forbidden, or so much that no draw is allowed.
        """
        drawn = next(draws)
        is_finite, space, order = isfinite(self.size), self._space, random.Random(number)
        if not is_finite and space.allows(drawn):
            return drawn
        taken = self._taken(running) if is_finite else {None}
        left = configurations(space, order, fixed) if is_finite else allowed_draws(space, order, fixed)
        tried: Params | None = None
        for params in filter(space.allows, chain([drawn], islice(draws, DRAWS - 1), left)):
            if not is_finite or key_of(space, params) not in taken:
                return params
            tried = tried or params
        if tried is None and (fixed or not is_finite):
            raise nothing_left("configuration", fixed)
        # what somebody has asked for is trained, though it is known
        return tried if fixed else None

    def _taken(self, running: Mapping[int, Mapping[str, Any]]) -> set[Key | None]:
        """The configurations that were tried, or that trials have which are `running`."""
        self._running = {n: self._running.get(n) or key_of(self._space, params) for n, params in running.items()}
        return self._tried.union(self._running.values())
