"""Proposing each configuration of a finite space once."""

import random
from collections.abc import Iterator, Mapping
from itertools import chain, islice
from math import isfinite
from typing import Any

from ....spaces.configurations import Key, configurations, key_of
from ....spaces.parameter import Scalar
from ....spaces.space import SearchSpace
from ..history import Finished

Params = dict[str, Scalar]

DRAWS = 10
"""How often a sampler may propose what was tried before; then what is left is searched for something new."""


class Untried:
    """What of a finite space was not tried; every configuration of one without an end."""

    def __init__(self, space: SearchSpace) -> None:
        self._space = space
        self.size = space.size()
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
        """The first of `draws` that was not tried and does not run; else what is left; None for nothing.

        Args:
            number: of the trial that it is for.
            fixed: values that it must have, and the draws have.
            running: parameters of the trials that run, or wait at a rung, by number.
            draws: of a sampler, at least one.
        """
        drawn = next(draws)
        if not isfinite(self.size):
            return drawn
        self._running = {n: self._running.get(n) or key_of(self._space, params) for n, params in running.items()}
        taken = self._tried.union(self._running.values())
        left = configurations(self._space, random.Random(number), fixed)
        for params in chain([drawn], islice(draws, DRAWS - 1), left):
            if key_of(self._space, params) not in taken:
                return params
        # what somebody has asked for is trained, though it is known
        return drawn if fixed else None
