"""Functions of options that take the fields of those as keywords, too: `hpo.run(space="resnet", trials=50)`."""

import functools
import inspect
from collections.abc import Callable, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, ParamSpec, Protocol, TypeVar, get_args, get_origin, overload

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

        door.__signature__ = inspect.signature(kind)  # type: ignore[attr-defined]  # what help() and notebooks show
        return door

    return decorate


def coerce(options: Any) -> None:
    """Let text stand for a path, a path for text, and one text for a list of one, in the fields of a dataclass."""
    for field in fields(options):
        value, kinds = getattr(options, field.name), (field.type, *get_args(field.type))
        if isinstance(value, str) and Path in kinds:
            object.__setattr__(options, field.name, Path(value))
        elif isinstance(value, Path) and str in kinds:
            object.__setattr__(options, field.name, str(value))
        elif isinstance(value, str) and get_origin(field.type) in (tuple, Sequence):
            object.__setattr__(options, field.name, (value,))
