"""The order in which paused trials go on where nothing new is left to begin, and there are epochs to spend."""

from bisect import bisect_left
from collections.abc import Collection, Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...spaces.space import SearchSpace
from .curves import WORST, Curves
from .proposers.columns import Columns
from .proposers.forest import forecast
from .proposers.own import own_params

ENOUGH = 8
"""So many complete trials tell something of others; before, those go on first that are best where they wait."""


class Outlook:
    """What is expected of the end of paused trials.

    A forest learns from the complete trials how a configuration, and how good it was at a rung, tell how good it is in
    the end. So early epochs count for as much as they told: nothing where they were noise, and a bad one is a good sign
    where the best learn slowly.

    Args:
        params: of the trials that are paused or complete, by number; one that is unknown goes on last.
    """

    def __init__(self, space: SearchSpace, curves: Curves, params: Mapping[int, Mapping[str, Any]]) -> None:
        self._curves = curves
        columns = Columns(space)
        own = ((number, own_params(space, each)) for number, each in params.items())
        self._rows = {number: columns.row(each) for number, each in own if each is not None}

    def best(self, paused: Collection[int]) -> int:
        """The trial of `paused`, one at least, that goes on first; it is of those that came furthest."""
        furthest = max(self._curves[trial].epoch for trial in paused)
        there = [trial for trial in sorted(paused) if self._curves[trial].epoch == furthest]
        hopes = dict(zip(there, self._hopes(there, furthest), strict=True))
        return max(there, key=lambda trial: (self._curves[trial].last > WORST, trial in self._rows, hopes[trial]))

    def _hopes(self, trials: Collection[int], epoch: int) -> Iterable[float]:
        """How good each trial is expected to be in the end, by no particular measure."""
        ended = [trial for trial in self._curves.complete() if trial in self._rows]
        ended = [trial for trial in ended if epoch in self._curves[trial].scores]
        if len(ended) < ENOUGH:
            return [self._curves[trial].last for trial in trials]
        scores = sorted(self._curves[trial].scores[epoch] for trial in (*ended, *trials))

        def inputs(those: Collection[int]) -> NDArray[np.float64]:
            """The configurations of trials, and their places among all at the epoch, [trials, dimensions + 1]."""
            places = [bisect_left(scores, self._curves[trial].scores[epoch]) / len(scores) for trial in those]
            outside = np.zeros_like(next(iter(self._rows.values())))
            return np.column_stack([[self._rows.get(trial, outside) for trial in those], places])

        ended = self._curves.best_first(ended)
        return -forecast(inputs(ended), np.log1p(np.arange(len(ended))), inputs(trials), seed=len(ended))
