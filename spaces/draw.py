"""Configurations of a space, drawn at random."""

import random
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from .parameter import Scalar
from .space import SearchSpace
from .unit import from_unit

MOST_DRAWS = 10_000
"""How many draws a search for an allowed configuration may take: 0.1 s for ten dimensions."""


def draws(space: SearchSpace, order: random.Random, fixed: Mapping[str, Any]) -> Iterator[dict[str, Scalar]]:
    """Draw configurations that have the `fixed` values, without end, forbidden ones among them.

    Each value of a dimension is as likely as any other, on its scale.
    """
    while True:
        params: dict[str, Scalar] = {}
        for parameter in space.active(params):
            drawn = from_unit(parameter, order.random())
            params[parameter.key] = fixed.get(parameter.key, drawn)
        yield params


def allowed_draws(space: SearchSpace, order: random.Random, fixed: Mapping[str, Any]) -> Iterator[dict[str, Scalar]]:
    """Draw configurations that are allowed and have the `fixed` values, until MOST_DRAWS were drawn."""
    return (params for params in islice(draws(space, order, fixed), MOST_DRAWS) if space.allows(params))
