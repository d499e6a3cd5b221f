"""The configurations of a finite space, one by one."""

import random
from collections.abc import Iterator, Mapping
from itertools import accumulate
from typing import Any

from .parameter import Condition, Parameter, Scalar
from .space import SearchSpace, branches_of, holds

Key = tuple[tuple[str, int], ...]
"""A configuration, equal for equal ones: the position of the value of each of its dimensions."""


MOST_COUNTED = 100_000
"""How many configurations are looked at for forbidden ones: 0.2 s for five dimensions."""


def count(space: SearchSpace) -> float:
    """Count the configurations of `space` that are allowed; inf where there is no end.

    Of more than MOST_COUNTED those that are forbidden are counted, too.
    """
    size = space.size()
    if not space.forbidden or size > MOST_COUNTED:
        return size
    return float(sum(space.allows(params) for params in configurations(space, random.Random(0))))


def key_of(space: SearchSpace, params: Mapping[str, Any]) -> Key | None:
    """The key of a configuration of a finite `space`; None where `params` are none of it."""
    active = list(space.active(params))
    if not all(parameter.key in params and parameter.contains(params[parameter.key]) for parameter in active):
        return None
    return tuple((parameter.key, _position(parameter, params[parameter.key])) for parameter in active)


def configurations(
    space: SearchSpace, order: random.Random, fixed: Mapping[str, Scalar] | None = None
) -> Iterator[dict[str, Scalar]]:
    """Yield every configuration of a finite `space` that has the `fixed` values, each once.

    They begin at a random place, so that the first is as likely to be any of the space as any other.
    """
    return _extend(space.parameters, {}, order, fixed or {})


def configuration_at(space: SearchSpace, place: int) -> dict[str, Scalar]:
    """The configuration of a finite `space` at `place`, from 0 to its size - 1: each is at one of them."""
    params: dict[str, Scalar] = {}
    _choose(space, (), place, params)
    return params


def _choose(space: SearchSpace, condition: Condition, place: int, params: dict[str, Scalar]) -> None:
    """Add to `params` the values at `place` of the dimensions under `condition`, and of those in their branches."""
    for parameter in space.parameters:
        if parameter.condition != condition:
            continue
        sizes = [int(space.size_of((*condition, pair))) for pair in branches_of(parameter)]
        place, own = divmod(place, sum(sizes) or int(parameter.size()))
        branch = next((branch for branch, before in enumerate(accumulate(sizes)) if own < before), None)
        params[parameter.key] = parameter.at(own if branch is None else branch)
        if branch is not None:
            inner = (*condition, branches_of(parameter)[branch])
            _choose(space, inner, own - sum(sizes[:branch]), params)


def _extend(
    parameters: tuple[Parameter, ...], params: dict[str, Scalar], order: random.Random, fixed: Mapping[str, Scalar]
) -> Iterator[dict[str, Scalar]]:
    if not parameters:
        yield params
        return
    parameter, *rest = parameters
    if not holds(parameter.condition, params):
        yield from _extend(tuple(rest), params, order, fixed)
        return
    for value in [fixed[parameter.key]] if parameter.key in fixed else _values(parameter, order):
        yield from _extend(tuple(rest), {**params, parameter.key: value}, order, fixed)


def _values(parameter: Parameter, order: random.Random) -> Iterator[Scalar]:
    size = int(parameter.size())
    first = order.randrange(size)
    return (parameter.at((first + step) % size) for step in range(size))


def _position(parameter: Parameter, value: Any) -> int:
    return parameter.position(value)
