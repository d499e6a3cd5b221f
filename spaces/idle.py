"""Refusal of settings without effect.

Whoever writes one believes that it does something.
"""

from typing import Any

from ..errors import SpaceError
from .fields import Needs
from .node import refusal, refuse_all, shown
from .parameter import Choice, Parameter
from .space import Fixed
from .walk import SpaceContent


def refuse_idle(content: SpaceContent) -> None:
    """Refuse values that have no effect in any trial.

    In some trials they may have none: a dimension can turn them off.

    Raises:
        SpaceError: a field stands without any of the others that it works with.
    """
    mistakes: list[SpaceError] = []
    entries: dict[str, Parameter | Fixed] = {entry.key: entry for entry in (*content.parameters, *content.values)}
    for key, needs in content.needs.items():
        section = key.rpartition(".")[0]
        entry = entries[key]
        # a whole configuration, dumped and edited, names every default
        if isinstance(entry, Fixed) and entry.default:
            continue
        if not any(_may_work(entries.get(f"{section}.{name}"), wanted) for name, wanted in needs.items()):
            shown_value = shown(entry.value) if isinstance(entry, Fixed) else "a dimension"
            law = f"has no effect without {_words(section, needs)}, got {shown_value}"
            mistakes.append(refusal(content.locations[key], key, law))
    refuse_all(mistakes)


def _may_work(entry: Parameter | Fixed | None, wanted: Any) -> bool:
    """Tell whether the other field can have the value `wanted`.

    None means any value but its default.
    """
    if entry is None:
        return False
    if wanted is None:
        return not (isinstance(entry, Fixed) and entry.default)
    # a range of numbers has no wanted value: conditions are on names and switches
    values = entry.choices if isinstance(entry, Choice) else (entry.value,) if isinstance(entry, Fixed) else ()
    return wanted in values


def _words(section: str, needs: Needs) -> str:
    return " or ".join(f"{section}.{name}{_value(wanted)}" for name, wanted in needs.items())


def _value(wanted: Any) -> str:
    return "" if wanted is None else f": {wanted if isinstance(wanted, str) else shown(wanted)}"
