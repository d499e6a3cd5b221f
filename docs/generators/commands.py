"""docs/reference/commands.md: every command and flag, from the tree of commands itself."""

import inspect
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Union, get_args, get_origin

import typer
from hpo.search.cli.app import app

from .markdown import anchor, code, table

HEAD = """# Commands

Every command and every flag, as `hpo COMMAND --help` has them. Written by `python docs/generate.py`.

{index}
Before a command stand {flags}. Exit codes: 0 done, 1 the work failed, 2 the input is wrong, 130 interrupted.
"""
COLUMNS = ("argument or flag", "default", "what it does")
VALUES = {int: "N", float: "X", Path: "PATH", str: "TEXT"}


def page() -> str:
    """The whole page."""
    group = typer.main.get_command(app)
    index = table(
        ["command", "does"],
        ([f"[{_call(name)}]({anchor(_call(name))})", _first(command)] for name, command in _commands()),
    )
    flags = ", ".join(f"`{option.opts[0]}`" for option in group.params)
    return HEAD.format(index=index, flags=flags) + "".join(_section(name, command) for name, command in _commands())


def _commands() -> Iterator[tuple[str, Any]]:
    yield from typer.main.get_command(app).commands.items()


def _call(name: str) -> str:
    return f"hpo {name}"


def _first(command: Any) -> str:
    return str(command.help).split("\n\n")[0].replace("\n", " ")


def _section(name: str, command: Any) -> str:
    kinds = inspect.signature(command.callback).parameters
    rows = [_row(param, kinds[param.name].annotation) for param in command.params if not param.hidden]
    return f"\n## {_call(name)}\n\n{command.help}\n\n{table(COLUMNS, rows)}"


def _row(param: Any, annotation: Any) -> list[str]:
    """One argument or flag: how it is written, what it is without, and its help."""
    is_flag = param.opts[0].startswith("-")
    written = " ".join([", ".join(param.opts), *_value(param, annotation)]) if is_flag else param.metavar
    return [code(written), "required" if param.required else _default(param), param.help or ""]


def _value(param: Any, annotation: Any) -> list[str]:
    """What stands behind the flag; nothing where the flag says it all."""
    if param.is_flag:
        return []
    return [param.metavar or VALUES[_plain(annotation)]]


def _default(param: Any) -> str:
    return "" if param.default is None or param.is_flag else code(param.default)


def _plain(annotation: Any) -> Any:
    """`int` of `Annotated[int | None, ...]` and of `list[int]`."""
    if get_origin(annotation) in (Annotated, list):
        return _plain(get_args(annotation)[0])
    if get_origin(annotation) in (Union, types.UnionType):
        return _plain(get_args(annotation)[0])
    return annotation
