"""The effect of each hyperparameter of a study: how much it decides, and where the best trials have it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .importance import explained
from .parzen import Grid
from .regions import Region, region_of
from .resamples import best_count

TRIALS = 20
"""The fewest trials that say something: of these, the better half is compared with all."""

NEGLIGIBLE = 0.05
"""A dimension that decides less, and perhaps nothing, has not mattered. The interval of one that does nothing ends at
0.06 with 50 random trials, at 0.03 with 100 and at 0.02 with 200 (medians)."""

EVERYWHERE = 0.6
"""The share of its scale that eight in ten of the best must span for a number not to have mattered: where a sampler has
kept to a part of it, the best cannot tell. Of ten that are drawn evenly they span 0.7."""

MOST = 1000
"""Of more trials so many are looked at, evenly from the best to the worst: more take time and tell the same."""


@dataclass(frozen=True, slots=True)
class Share:
    """How many of the best trials, and how many of all, have a choice."""

    value: Any
    best: int
    trials: int


@dataclass(frozen=True, slots=True)
class Effect:
    """How much dimension `key` alone decides whether one of `trials` is among the `best` of them.

    `importance` is the share of the variance of being among the best that its value explains, from 0, which is what
    chance gives, to 1; `low` and `high` are the ends of the 95 % interval. `region` is where the best have numbers,
    None for choices, `shares` are how many have each choice, () for numbers. `everywhere` tells that the best are
    spread over all of its values.
    """

    key: str
    importance: float
    low: float
    high: float
    trials: int
    best: int
    region: Region | None
    shares: tuple[Share, ...]
    everywhere: bool

    @property
    def mattered(self) -> bool:
        """Whether it certainly decides something."""
        return self.low > 0

    @property
    def never_mattered(self) -> bool:
        """Whether it decides next to nothing for certain, and perhaps nothing, wherever in its range it is."""
        return self.low == 0 and self.high < NEGLIGIBLE and self.everywhere

    def to_json(self) -> dict[str, Any]:
        """The JSON object of one of `importance`."""
        return {
            "key": self.key,
            "importance": self.importance,
            "interval": [self.low, self.high],
            "trials": self.trials,
            "best": self.best,
            "never_mattered": self.never_mattered,
            "region": self.region and [self.region.low, self.region.high],
            "choices": [{"value": each.value, "best": each.best, "trials": each.trials} for each in self.shares],
        }


def effects(space: str, trials: Sequence[Mapping[str, Any]]) -> list[Effect]:
    """Judge each dimension of a study, the most important first.

    A dimension in a branch is judged among the trials in that branch. Those of which fewer than TRIALS have a value of
    the space are left out.

    Args:
        space: the canonical JSON that a study keeps, "" for none.
        trials: the parameters of its trials, the best first, see `ranking.best_first`.
    """
    try:
        parameters = json.loads(space)["parameters"] if space else {}
        judged = [_effect(key, entry, trials) for key, entry in parameters.items()]
    except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError):  # of another version, or edited
        return []
    return sorted((effect for effect in judged if effect is not None), key=lambda effect: -effect.importance)


def _effect(key: str, entry: Mapping[str, Any], trials: Sequence[Mapping[str, Any]]) -> Effect | None:
    grid = Grid(entry)
    having = [(grid.cell(params[key]), params[key]) for params in trials if key in params]
    own = [(cell, value) for cell, value in having if cell is not None]
    if len(own) < TRIALS or not 2 <= grid.cells <= MOST:
        return None
    few = own[:: -(-len(own) // MOST)]
    cells = np.array([cell for cell, _ in few])
    shares = tuple(_shares(grid.choices, [cell for cell, _ in own]))
    region = None if grid.choices else region_of([value for _, value in few])
    return Effect(
        key, *explained(grid, cells), len(own), best_count(len(own)), region, shares, _everywhere(grid, region, shares)
    )


def _shares(choices: Sequence[Any], cells: Sequence[int]) -> list[Share]:
    best = cells[: best_count(len(cells))]
    return [Share(choice, best.count(cell), cells.count(cell)) for cell, choice in enumerate(choices)]


def _everywhere(grid: Grid, region: Region | None, shares: Sequence[Share]) -> bool:
    if region is None:
        return all(share.best for share in shares)
    lowest, highest = grid.cell(region.low), grid.cell(region.high)
    return (highest or 0) - (lowest or 0) >= EVERYWHERE * (grid.cells - 1)
