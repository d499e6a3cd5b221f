"""The flags of another command, as one command takes them."""

from collections.abc import Sequence
from typing import Any, TypeVar

import typer

from .common import JsonOption
from .flags import with_flags

T = TypeVar("T")


def parsed(command: str, arguments: Sequence[str], kind: type[T]) -> T:
    """Return the options of `command` that its `arguments` say.

    Raises:
        SpaceError: a value is wrong.
        typer.TyperException: a flag is.
    """
    taken: list[Any] = []

    @with_flags
    def take(options: kind, json: JsonOption = False) -> None:  # type: ignore[valid-type]
        taken.append(options)

    program = typer.Typer(add_completion=False)
    program.command()(take)
    program([*arguments], standalone_mode=False, prog_name=f"hpo {command}")
    options: T = taken[0]
    return options
