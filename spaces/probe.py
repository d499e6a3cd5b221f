"""Validation of laws between fields on sample configurations.

The walk checks each value against its own field. A model may also demand that values fit each other; so the space is
tried with every dimension at one end of its range or at one choice, the others at their prior or first value.
"""

import random
from collections.abc import Iterator
from itertools import islice

from pydantic import BaseModel, ValidationError

from .draw import allowed_draws
from .invalid import first_complaint
from .node import Location, refusal
from .parameter import Choice, Parameter, Scalar
from .space import SearchSpace, holds, path

MAX_TRIES = 50  # choices of one dimension; a configuration is checked in 30 us, but a list may have 1,000


def probe(space: SearchSpace, target: type[BaseModel], locations: dict[str, Location], whole: Location) -> None:
    """Validate configurations of `space` as `target`.

    `locations` says where each key was written.

    Raises:
        SpaceError: one of them is no valid `target`.
    """
    for params in corners(space):
        try:
            target.model_validate(space.tree(params))
        except ValidationError as error:
            raise _located(error, space, params, locations, whole) from None


def corners(space: SearchSpace, section: str = "") -> Iterator[dict[str, Scalar]]:
    """Yield whole configurations: the usual one, then each extreme.

    Extremes are each end or choice of each dimension in `section`, the others at their usual values, or where that is
    forbidden at drawn ones.

    `section` "" means every dimension.
    """
    yield from _allowed(space, {})
    for parameter in space.parameters:
        if section and parameter.key.split(".")[0] != section:
            continue
        for value in _ends(parameter):
            # with the branches in which the dimension exists, else it would not be tried
            yield from _allowed(space, {**dict(parameter.condition), parameter.key: value})


def _allowed(space: SearchSpace, chosen: dict[str, Scalar]) -> Iterator[dict[str, Scalar]]:
    """The configuration with the `chosen` values, or one that is allowed instead; none where none is."""
    if not space.allows(chosen):  # with the fixed values alone: no draw of the others is allowed
        return
    usual = _complete(space, chosen)
    yield from [usual] if space.allows(usual) else islice(allowed_draws(space, random.Random(0), chosen), 1)


def _complete(space: SearchSpace, chosen: dict[str, Scalar]) -> dict[str, Scalar]:
    params: dict[str, Scalar] = {}
    for parameter in space.active(params):
        params[parameter.key] = chosen.get(parameter.key, _usual(parameter))
    return params


def _usual(parameter: Parameter) -> Scalar:
    return parameter.prior if parameter.has_prior else _ends(parameter)[0]


def _ends(parameter: Parameter) -> tuple[Scalar, ...]:
    return parameter.choices[:MAX_TRIES] if isinstance(parameter, Choice) else (parameter.low, parameter.high)


def _located(
    error: ValidationError,
    space: SearchSpace,
    params: dict[str, Scalar],
    locations: dict[str, Location],
    whole: Location,
) -> Exception:
    keys, law = first_complaint(error, space.tree(params))
    entries = [entry for entry in (*space.parameters, *space.values) if holds(entry.condition, params)]
    inside = [entry.key for entry in entries if keys and path(entry.key, entry.condition)[: len(keys)] == keys]
    # rather a dimension than a fixed value: its range is what can be changed
    key = max(inside, key=lambda key: key in params, default="")
    return refusal(locations.get(key, whole), ".".join(keys), law)
