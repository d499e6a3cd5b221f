"""Functions of options that take the fields of those as keywords, too: `hpo.run(space="resnet", trials=50)`."""

import functools
import inspect
from collections.abc import Callable, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, ParamSpec, Protocol, TypeVar, get_args, get_origin, overload

from .fields import split_type

Fields = ParamSpec("Fields")
Options = TypeVar("Options")
Given = TypeVar("Given", contravariant=True)
Result = TypeVar("Result", covariant=True)


class Door(Protocol[Fields, Given, Result]):  # pyright: ignore[reportInvalidTypeVarUse]
    """A function of options."""

    @overload
    def __call__(self, options: Given, /) -> Result: ...

    @overload
    def __call__(self, *args: Fields.args, **kwargs: Fields.kwargs) -> Result: ...


def by_keywords(
    kind: Callable[Fields, Options],
) -> Callable[[Callable[[Options], Result]], Door[Fields, Options, Result]]:
    """A function of a `kind`, a dataclass, that also takes the fields of one, in their order or by name."""
    made: Any = kind

    def decorate(function: Callable[[Options], Result]) -> Door[Fields, Options, Result]:
        @functools.wraps(function)
        def door(*args: Any, **kwargs: Any) -> Result:
            is_made = len(args) == 1 and not kwargs and isinstance(args[0], made)
            return function(args[0] if is_made else made(*args, **kwargs))

        door.__signature__ = _plain(inspect.signature(kind))  # type: ignore[attr-defined]  # what notebooks show
        return door

    return decorate


def _plain(signature: inspect.Signature) -> inspect.Signature:
    """Leave out what the types say for the command line."""
    shown = [each.replace(annotation=split_type(each.annotation)[0]) for each in signature.parameters.values()]
    return signature.replace(parameters=shown)


def coerce(options: Any) -> None:
    """Let text stand for a path, a path for text, and one text for a list of one, in the fields of a dataclass."""
    for field in fields(options):
        plain = split_type(field.type)[0]
        value, kinds = getattr(options, field.name), (plain, *get_args(plain))
        if isinstance(value, str) and Path in kinds:
            object.__setattr__(options, field.name, Path(value))
        elif isinstance(value, Path) and str in kinds:
            object.__setattr__(options, field.name, str(value))
        elif isinstance(value, str) and get_origin(plain) in (tuple, Sequence):
            object.__setattr__(options, field.name, (value,))
