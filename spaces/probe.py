"""Laws between fields: tried on configurations of the space before any trial is.

The walk checks each value against its own field. A model may also demand that values fit each other; so the space is
tried with every dimension at one end of its range or at one choice, the others at their prior or first value.
"""

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel, ValidationError

from .fields import law
from .node import Place, refusal, shown
from .parameter import Choice, Parameter, Scalar
from .space import SearchSpace, holds, path

MAX_TRIES = 50


def probe(space: SearchSpace, target: type[BaseModel], places: dict[str, Place], whole: Place) -> None:
    """Validates configurations of `space` as `target`; `places` says where each key was written.

    Raises:
        SpaceError: one of them is no valid `target`.
    """
    for params in _corners(space):
        try:
            target.model_validate(space.tree(params))
        except ValidationError as error:
            raise _located(error, space, params, places, whole) from None


def _corners(space: SearchSpace) -> Iterator[dict[str, Scalar]]:
    yield _complete(space, {})
    for parameter in space.parameters:
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
    first = error.errors(include_url=False)[0]
    keys = _tree_path(first["loc"], space.tree(params))
    entries = [entry for entry in (*space.parameters, *space.values) if holds(entry.condition, params)]
    key = max(
        (entry.key for entry in entries if path(entry.key, entry.condition)[: len(keys)] == keys and keys),
        key=lambda key: key in params,
        default="",
    )
    got = "" if isinstance(first["input"], dict | BaseModel) else f", got {shown(first['input'])}"
    return refusal(places.get(key, whole), ".".join(keys), f"{law(first)}{got}")


def _tree_path(loc: tuple[int | str, ...], tree: Any) -> tuple[str, ...]:
    """`loc` without the tags that pydantic puts in for the variants of a union."""
    keys: list[str] = []
    for part in loc:
        if isinstance(tree, dict) and part in tree:
            keys.append(str(part))
            tree = tree[part]
    return tuple(keys)
