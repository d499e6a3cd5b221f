"""Functions of options that take the options' fields as keywords, too.

So `hpo.run(space="resnet", trials=50)` is short for `hpo.run(hpo.RunOptions(...))`.
"""

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
    """A function of options that takes their fields, too."""

    @overload
    def __call__(self, options: Given, /) -> Result: ...

    @overload
    def __call__(self, *args: Fields.args, **kwargs: Fields.kwargs) -> Result: ...


def by_keywords(
    kind: Callable[Fields, Options],
) -> Callable[[Callable[[Options], Result]], Door[Fields, Options, Result]]:
    """Let a function of a dataclass take its fields, too.

    `kind` is the dataclass; its fields are given in their order or by name.
    """
    made: Any = kind  # a class, whatever its type here says: isinstance needs one

    def decorate(function: Callable[[Options], Result]) -> Door[Fields, Options, Result]:
        @functools.wraps(function)
        def door(*args: Any, **kwargs: Any) -> Result:
            # hpo.run(options), not hpo.run(space)
            is_made = len(args) == 1 and not kwargs and isinstance(args[0], made)
            return function(args[0] if is_made else made(*args, **kwargs))

        door.__signature__ = _plain(inspect.signature(kind))  # type: ignore[attr-defined]  # what notebooks show
        return door

    return decorate


def same_fields(options: Any, kind: type[Any]) -> dict[str, Any]:
    """The values of a dataclass of options by those of its fields that another one, `kind`, has, too."""
    own = {field.name for field in fields(options)}
    return {field.name: getattr(options, field.name) for field in fields(kind) if field.name in own}


def _plain(signature: inspect.Signature) -> inspect.Signature:
    """Return the signature with plain types, without their flags."""
    parameters = [each.replace(annotation=split_type(each.annotation)[0]) for each in signature.parameters.values()]
    return signature.replace(parameters=parameters)


def coerce(options: Any) -> None:
    """Convert the values of a dataclass to the types of its fields.

    Text stands for a path, a path for text, and one text for a list of one.
    """
    for field in fields(options):  # by object.__setattr__, since options are frozen
        plain = split_type(field.type)[0]
        value, kinds = getattr(options, field.name), (plain, *get_args(plain))
        if isinstance(value, str) and Path in kinds:
            object.__setattr__(options, field.name, Path(value))
        elif isinstance(value, Path) and str in kinds:
            object.__setattr__(options, field.name, str(value))
        # else `formats="onnx"` would be a list of four letters
        elif isinstance(value, str) and get_origin(plain) in (tuple, Sequence):
            object.__setattr__(options, field.name, (value,))
