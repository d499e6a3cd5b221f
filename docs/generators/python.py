"""docs/reference/python.md: every public name of hpo, its signature as the source has it, and its docstring."""

import ast
import dataclasses
import inspect
import re
import textwrap
from collections.abc import Iterator
from typing import Annotated, Any, get_args, get_origin

import hpo

from .markdown import anchor, table

HEAD = """# Python

What `import hpo` offers to notebooks and scripts. Nothing heavy is imported before a name is used. Written by
`python docs/generate.py`.

Every function that takes options takes their fields as keyword arguments in their place, with text for a path:
`hpo.run(space="resnet", data="digits", trials=50)` is `hpo.run(hpo.RunOptions(...))`. `hpo.__version__` is the version.
A field means what the flag of its name means ([commands](commands.md)); `overrides` are those of `--set`.

"""


def page() -> str:
    """The whole page."""
    names = [name for name in hpo.__all__ if not name.startswith("_")]
    functions = [name for name in names if inspect.isfunction(getattr(hpo, name))]
    classes = [name for name in names if name not in functions]
    index = table(
        ["name", "is"], ([f"[{name}]({anchor(f'hpo.{name}')})", _first(name)] for name in [*functions, *classes])
    )
    return HEAD + index + "".join(map(_section, [*functions, *classes]))


def _first(name: str) -> str:
    return (inspect.getdoc(getattr(hpo, name)) or "").split("\n\n")[0].replace("\n", " ")


def _section(name: str) -> str:
    thing = inspect.unwrap(getattr(hpo, name))
    (node,) = ast.parse(textwrap.dedent(inspect.getsource(thing))).body
    if isinstance(node, ast.FunctionDef):
        written = _function(node)
    else:
        written = _options(thing) if _is_options(thing) else _class(node)
    shown = f"\n```text\n{written}\n```\n" if written else ""
    return f"\n## hpo.{name}\n{shown}\n{_prose(thing)}"


def _is_options(thing: Any) -> bool:
    return dataclasses.is_dataclass(thing) and get_origin(dataclasses.fields(thing)[0].type) is Annotated


def _function(node: ast.FunctionDef) -> str:
    returned = f" -> {_text(node.returns)}" if node.returns else ""
    arguments = re.sub(r"(?<=\S)=(?=\S)", " = ", ast.unparse(node.args))
    return f"{node.name}({arguments}){returned}".replace("'", '"')


def _class(node: Any) -> str:
    """Its fields, a line each, then its public methods and properties."""
    fields = [ast.unparse(each).replace("'", '"') for each in node.body if isinstance(each, ast.AnnAssign)]
    return "\n".join([*fields, *map(_method, _public(node))])


def _options(thing: Any) -> str:
    """The fields of options, a line each with its help."""
    return "\n".join(map(_option, dataclasses.fields(thing)))


def _option(field: "dataclasses.Field[Any]") -> str:
    plain, flag = get_args(field.type)[:2]
    named = plain.__name__ if isinstance(plain, type) else re.sub(r"\b(?:\w+\.)+(\w+)", r"\1", str(plain))
    default = "" if field.default is dataclasses.MISSING else f" = {field.default!r}"
    written = f"{field.name}: {named}{default}".replace("'", '"')
    return f"{written}  # {getattr(flag, 'help', flag)}"


def _public(node: Any) -> Iterator[ast.FunctionDef]:
    yield from (each for each in node.body if isinstance(each, ast.FunctionDef) and not each.name.startswith("_"))


def _method(node: ast.FunctionDef) -> str:
    is_property = any(isinstance(mark, ast.Name) and mark.id == "property" for mark in node.decorator_list)
    first_line = (ast.get_docstring(node) or "").split("\n")[0]
    return (
        f"{node.name}: {_text(node.returns)}  # {first_line}" if is_property else f"{_function(node)}  # {first_line}"
    )


def _text(annotation: ast.expr | None) -> str:
    """An annotation without the quotes that only put off its evaluation."""
    return re.sub("'(.*?)'", r"\1", ast.unparse(annotation)) if annotation else "None"


def _prose(thing: Any) -> str:
    """The docstring as Markdown: a section of it (`Raises:`) becomes a list."""
    lines = (inspect.getdoc(thing) or "").split("\n")
    return "\n".join(_item(line) if line.startswith("    ") else line for line in lines) + "\n"


def _item(line: str) -> str:
    return f"- {line.strip()}" if not line.startswith("     ") else f"  {line.strip()}"
