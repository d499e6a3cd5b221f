"""The numbers after a name: `asha:4`, `threshold:0.3,5`."""

import inspect
from collections.abc import Callable
from typing import Any, TypeVar

from ...errors import SpaceError

T = TypeVar("T")


def call_with_numbers(make: Callable[..., T], *values: Any, numbers: str, given: str) -> T:
    """Call `make` with `values` and what `numbers` holds, separated by commas; "" for none.

    The parameters of `make` after `values` say by their annotations which of the numbers are whole.

    Args:
        make: a function whose parameters after the first ones are numbers with defaults.
        values: its first arguments.
        numbers: what the user wrote after the name.
        given: what the user wrote in whole, for messages.

    Raises:
        SpaceError: these are no numbers, or not as many as it takes.
    """
    takes = list(inspect.signature(make).parameters.values())[len(values) :]
    texts = numbers.split(",") if numbers else []
    if len(texts) > len(takes):
        name = given.partition(":")[0]
        form = f"{name}:{','.join(each.name.upper() for each in takes)}" if takes else f"{name} without one"
        raise SpaceError(f"{given}: more numbers than it takes, write {form}")
    return make(*values, *(_number(text, kind, given) for text, kind in zip(texts, takes, strict=False)))


def _number(text: str, kind: inspect.Parameter, given: str) -> float:
    is_whole = "float" not in str(kind.annotation)
    try:
        return int(text) if is_whole else float(text)
    except ValueError:
        law = "a whole number" if is_whole else "a number"
        raise SpaceError(f"{given}: {kind.name} must be {law}, got {text!r}") from None
