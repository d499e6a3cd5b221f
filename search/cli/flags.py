"""The flags of a command, made from the fields of its options.

Each is written once, where the options are, and not again for typer.
"""

import functools
import inspect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import MISSING, Field, fields, is_dataclass
from typing import Annotated, Any, Literal, TypeVar, get_origin

import typer

from ...errors import SpaceError
from ..commands.fields import Flag, split_type
from . import complete

R = TypeVar("R")


def with_flags(function: Callable[..., R]) -> Callable[..., R]:
    """Unfold parameters that are dataclasses of options into their fields.

    Typer reads a flag for each. A field is `name: Annotated[TYPE, Flag(...)] = DEFAULT`, or has its help alone in the
    place of the Flag.
    """
    own = inspect.signature(function)
    types = ((name, each.annotation) for name, each in own.parameters.items())
    kinds: dict[str, Any] = {name: kind for name, kind in types if is_dataclass(kind)}

    @functools.wraps(function)
    def unfolded(**arguments: Any) -> R:
        made = {name: kind(**dict(_values(kind, arguments))) for name, kind in kinds.items()}
        rest = {name: arguments[name] for name in own.parameters.keys() - kinds.keys()}
        return function(**rest, **made)

    parameters = [
        parameter
        for each in own.parameters.values()
        for parameter in (_parameters(kinds[each.name]) if each.name in kinds else [each])
    ]
    # a parameter with a default may now stand before one without
    by_name = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in parameters]
    unfolded.__signature__ = own.replace(parameters=by_name)  # type: ignore[attr-defined]
    unfolded.__annotations__ = {}  # or typer would look the types up there
    return unfolded


def one_study(argument: str | None, option: str | None) -> str | None:
    """Return the study that STUDY or `--study` names, None where neither does.

    Raises:
        SpaceError: they name two.
    """
    if argument is not None and option is not None and argument != option:
        raise SpaceError(f"STUDY and --study must name the same study, got {argument!r} and {option!r}")
    return option if argument is None else argument


def _parameters(kind: type[Any]) -> Iterator[inspect.Parameter]:
    for field in fields(kind):
        plain, flag = split_type(field.type)
        declared, default = _for_typer(plain, field, flag)
        shared: dict[str, Any] = {"help": flag.help, "metavar": flag.metavar, "min": flag.low, "max": flag.high}
        shared["autocompletion"] = getattr(complete, flag.complete) if flag.complete else None
        if not flag.positional:
            yield _parameter(field.name, declared, typer.Option(*_names(field, flag), **shared), default)
            continue
        yield _parameter(field.name, declared, typer.Argument(**shared), default)
        if flag.also_option:
            again = {**shared, "help": f"The same as {field.name.upper()}.", "metavar": None}
            yield _parameter(_again(field), declared, typer.Option(f"--{field.name}", **again), default)


def _for_typer(plain: Any, field: "Field[Any]", flag: Flag) -> tuple[Any, Any]:
    """Return the type and the default of a field for typer.

    It makes no tuples, and a wrong choice is ours to refuse.
    """
    default = inspect.Parameter.empty if field.default is MISSING else field.default
    if _is_many(plain):
        return list[str] | None, None
    if flag.parse is not None:
        return str | None, flag.default  # parsed after typer, so that an error is in our words
    if get_origin(plain) is Literal:
        return str, default
    return plain, default


def _names(field: "Field[Any]", flag: Flag) -> Iterator[str]:
    yield flag.name or f"--{field.name.replace('_', '-')}"  # even where it is the usual one, or typer adds a --no-...
    if flag.short:
        yield flag.short


def _parameter(name: str, declared: Any, option: Any, default: Any) -> inspect.Parameter:
    kind = inspect.Parameter.KEYWORD_ONLY
    return inspect.Parameter(name, kind, default=default, annotation=Annotated[declared, option])


def _again(field: "Field[Any]") -> str:
    return f"{field.name}_"


def _values(kind: type[Any], arguments: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the values of the command line for the fields of `kind`.

    A field without a value has its default.
    """
    for field in fields(kind):
        plain, flag = split_type(field.type)
        value = arguments[field.name]
        if flag.also_option:
            value = one_study(value, arguments[_again(field)])
        if value is None or value == []:  # what typer has for a flag that is not there
            continue
        if flag.parse is not None:
            value = flag.parse(value)
        yield field.name, tuple(value) if _is_many(plain) else value


def _is_many(plain: Any) -> bool:
    return get_origin(plain) in (Sequence, tuple)
