"""Pydantic's errors in the words of the space language."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from .node import shown


def law(error: Mapping[str, Any]) -> str:
    """Return the law that a pydantic error states.

    "Input should be less than 1" is "must be less than 1".
    """
    text = str(error["msg"]).removeprefix("Value error, ").removeprefix("Assertion failed, ")
    text = text.replace("Input should be ", "must be ", 1).replace("Input should have ", "must have ", 1)
    text = text.replace("String should match pattern", "must match", 1).replace("Field required", "must be given", 1)
    return " ".join(text.split())


def first_complaint(error: ValidationError, tree: Any) -> tuple[tuple[str, ...], str]:
    """Return the keys and the law of the first error in `tree`.

    Keys from its root; the law with the value.
    """
    first = error.errors(include_url=False)[0]
    shown_value = "" if isinstance(first["input"], dict | BaseModel) else f", got {shown(first['input'])}"
    return _keys(first["loc"], tree), law(first) + shown_value


def _keys(loc: tuple[int | str, ...], tree: Any) -> tuple[str, ...]:
    """Return `loc` without pydantic's own tags for variants of a union."""
    keys: list[str] = []
    for part in loc:
        if isinstance(tree, dict) and part in tree:
            keys.append(str(part))
            tree = tree[part]
    return tuple(keys)
