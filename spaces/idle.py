"""Settings that do nothing: refused, for whoever writes one believes that it does something."""

from typing import Any

from ..errors import SpaceError
from .fields import Needs
from .node import refusal, refuse_all, shown
from .parameter import Choice, Parameter
from .space import Fixed
from .walk import Found


def refuse_idle(found: Found) -> None:
    """Nothing that is written may be without effect in every trial; in some it may: a dimension can turn it off.

    Raises:
        SpaceError: a field stands without any of the others that it works with.
    """
    mistakes: list[SpaceError] = []
    said: dict[str, Parameter | Fixed] = {entry.key: entry for entry in (*found.parameters, *found.values)}
    for key, needs in found.needs.items():
        section = key.rpartition(".")[0]
        entry = said[key]
        if isinstance(entry, Fixed) and entry.default:
            continue
        if not any(_may_work(said.get(f"{section}.{name}"), wanted) for name, wanted in needs.items()):
            got = shown(entry.value) if isinstance(entry, Fixed) else "a dimension"
            law = f"has no effect without {_words(section, needs)}, got {got}"
            mistakes.append(refusal(found.places[key], key, law))
    refuse_all(mistakes)


def _may_work(entry: Parameter | Fixed | None, wanted: Any) -> bool:
    """Whether the other field can have the value `wanted`, None meaning any but its default."""
    if entry is None:
        return False
    if wanted is None:
        return not (isinstance(entry, Fixed) and entry.default)
    values = entry.choices if isinstance(entry, Choice) else (entry.value,) if isinstance(entry, Fixed) else ()
    return wanted in values


def _words(section: str, needs: Needs) -> str:
    return " or ".join(f"{section}.{name}{_value(wanted)}" for name, wanted in needs.items())


def _value(wanted: Any) -> str:
    return "" if wanted is None else f": {wanted if isinstance(wanted, str) else shown(wanted)}"
