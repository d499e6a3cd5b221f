"""The fields of a dataclass as options of a command: what another room defines need not be written again for typer."""

import functools
import inspect
from collections.abc import Callable
from dataclasses import Field, fields
from typing import Any, get_args

import typer

_NAME = "flags"


def with_flags(kind: type[Any]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """A command whose argument `flags` is a `kind`: typer reads an option for each of its fields in that place.

    Args:
        kind: a dataclass whose fields are all `name: Annotated[TYPE, "its help"] = DEFAULT`.
    """
    options = [_option(each) for each in fields(kind)]

    def decorate(function: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(function)
        def unfolded(**given: Any) -> None:
            flags = kind(**{option.name: given.pop(option.name) for option in options})
            function(**given, **{_NAME: flags})

        own = inspect.signature(function)
        shown = [new for each in own.parameters.values() for new in (options if each.name == _NAME else [each])]
        unfolded.__signature__ = own.replace(parameters=shown)  # type: ignore[attr-defined]
        return unfolded

    return decorate


def _option(flag: Field[Any]) -> inspect.Parameter:
    declared, told = get_args(flag.type)
    names = [f"--{flag.name.replace('_', '-')}"] if declared is bool else []  # else typer adds a --no-...
    shown = typer.Option(flag.default, *names, help=told)
    return inspect.Parameter(flag.name, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=shown, annotation=declared)
