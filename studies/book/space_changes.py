"""The differences between two spaces, and whether a study survives them.

Optuna accepts a changed range, a removed dimension and a changed direction without a word, so that trials that are
not comparable land in one study. Here each difference is named, and only those are acceptable after which the old
trials still mean what they said.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from ...common.display import value_text

Kind = Literal["added", "removed", "became", "value", "range", "type", "scale", "choices", "branch"]

# Optuna's check_distribution_compatibility refuses another class, scale or list of choices under one name.
_IMPOSSIBLE = frozenset({"type", "scale", "choices", "branch"})


@dataclass(frozen=True, slots=True)
class Change:
    """One difference, `old` and `new` as short texts.

    `acceptable` says whether the old trials stay valid.
    """

    key: str
    old: str
    new: str
    kind: Kind
    acceptable: bool


def changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Change]:
    """The differences between two canonical spaces, sorted by key.

    Never acceptable: another objective, other constraints or other data (`data.*` without the batch size), other
    choices, a whole number that becomes a real one, a linear scale that becomes a logarithmic one.
    """
    before, after = _entries(old), _entries(new)
    keys = sorted(before.keys() | after.keys())
    return [_change(key, before.get(key), after.get(key)) for key in keys if before.get(key) != after.get(key)]


def _entries(canonical: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    forbidden = canonical.get("forbidden")  # of no space that was kept before there was such a thing
    return {**canonical["fixed"], **canonical["parameters"], **({"forbid": {"value": forbidden}} if forbidden else {})}


def _change(key: str, old: Mapping[str, Any] | None, new: Mapping[str, Any] | None) -> Change:
    kind = _kind(old, new)
    return Change(key, entry_words(old), entry_words(new), kind, kind not in _IMPOSSIBLE and not _compared(key))


def _compared(key: str) -> bool:
    """Whether `key` decides on the objective, on what may win or on the images."""
    # values measured on other images are not comparable, even where Optuna would take them
    return key.startswith(("objective.", "constraints.", "data.")) and key != "data.batch_size"


def _kind(old: Mapping[str, Any] | None, new: Mapping[str, Any] | None) -> Kind:
    if old is None:
        return "added"
    if new is None:
        return "removed"
    if old.get("when") != new.get("when"):  # it now exists under other choices
        return "branch"
    if "value" in old or "value" in new:
        return "value" if "value" in old and "value" in new else "became"
    if old["type"] != new["type"]:
        return "type"
    if old["type"] == "choice":
        return "choices"
    return "scale" if old["log"] != new["log"] else "range"


def entry_words(entry: Mapping[str, Any] | None) -> str:
    """An entry of a canonical space in words: `float 0.01 to 1.0, log`; `not set` for none."""
    if entry is None:
        return "not set"
    if "value" in entry:
        return _plain(entry["value"])
    if entry["type"] == "choice":
        return f"one of {', '.join(map(_plain, entry['choices']))}"
    # a step of 1 is that of every integer
    step = f", step {entry['step']}" if entry["step"] not in (None, 1) else ""
    return f"{entry['type']} {entry['low']} to {entry['high']}{', log' if entry['log'] else ''}{step}"


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else value_text(value)
