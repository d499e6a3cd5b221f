"""Laws between fields: tried on configurations of the space before any trial is.

The walk checks each value against its own field. A model may also demand that values fit each other; so the space is
tried with every dimension at one end of its range or at one choice, the others at their prior or first value.
"""

from collections.abc import Iterator

from pydantic import BaseModel, ValidationError

from .invalid import first_complaint
from .node import Place, refusal
from .parameter import Choice, Parameter, Scalar
from .space import SearchSpace, holds, path

MAX_TRIES = 50


def probe(space: SearchSpace, target: type[BaseModel], places: dict[str, Place], whole: Place) -> None:
    """Validates configurations of `space` as `target`; `places` says where each key was written.

    Raises:
        SpaceError: one of them is no valid `target`.
    """
    for params in corners(space):
        try:
            target.model_validate(space.tree(params))
        except ValidationError as error:
            raise _located(error, space, params, places, whole) from None


def corners(space: SearchSpace, section: str = "") -> Iterator[dict[str, Scalar]]:
    """Values for a whole configuration: the usual ones, then each end or choice of each dimension in `section`.

    `section` "" means every dimension.
    """
    yield _complete(space, {})
    for parameter in space.parameters:
        if section and parameter.key.split(".")[0] != section:
            continue
        for value in _ends(parameter):
            yield _complete(space, {**dict(parameter.condition), parameter.key: value})


def _complete(space: SearchSpace, given: dict[str, Scalar]) -> dict[str, Scalar]:
    params: dict[str, Scalar] = {}
    for parameter in space.active(params):
        params[parameter.key] = given.get(parameter.key, _usual(parameter))
    return params


def _usual(parameter: Parameter) -> Scalar:
    return parameter.prior if parameter.has_prior else _ends(parameter)[0]


def _ends(parameter: Parameter) -> tuple[Scalar, ...]:
    return parameter.choices[:MAX_TRIES] if isinstance(parameter, Choice) else (parameter.low, parameter.high)


def _located(
    error: ValidationError, space: SearchSpace, params: dict[str, Scalar], places: dict[str, Place], whole: Place
) -> Exception:
    keys, law = first_complaint(error, space.tree(params))
    entries = [entry for entry in (*space.parameters, *space.values) if holds(entry.condition, params)]
    inside = [entry.key for entry in entries if keys and path(entry.key, entry.condition)[: len(keys)] == keys]
    key = max(inside, key=lambda key: key in params, default="")
    return refusal(places.get(key, whole), ".".join(keys), law)
