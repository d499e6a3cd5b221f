"""A SearchSpace as the text of a space file.

With what `--set` and paths have made of it, ready to be loaded again.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from ..common.display import visible
from .parameter import Choice, Condition, Parameter, Scalar
from .space import FORBID, SearchSpace

# what YAML reads as a string without quotes, and never as a number, a date or a key with dots
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*\Z")
_WORDS = {"null", "true", "false"}
# What YAML's reader refuses even inside quotes, or takes for the end of a line.
_UNPRINTABLE = re.compile(r"[^\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")

Comments = Mapping[tuple[str, ...], Sequence[str]]
"""Lines by the path in the file above which they stand."""


def dump_space(space: SearchSpace, comments: Mapping[str, Sequence[str]] | None = None) -> str:
    """Write YAML that loads to an equal space.

    Its name and comments are not kept. `comments` are lines to stand above a key of the space, or at the top for "".
    """
    tree: dict[str, Any] = {}
    conditions = {"": (), **{entry.key: entry.condition for entry in (*space.parameters, *space.values)}}
    placed = {_tree_path(key, conditions[key]) if key else (): lines for key, lines in (comments or {}).items()}
    for fixed in (*space.apart, *space.values):
        _put(tree, _tree_path(fixed.key, fixed.condition), fixed.value)
    for parameter in space.parameters:
        keys = _tree_path(parameter.key, parameter.condition)
        if isinstance(parameter, Choice) and parameter.branching:
            for branch in parameter.choices:
                _put(tree, (*keys, "choices", str(branch)), {})
            for key, value in _belief(parameter).items():
                _put(tree, (*keys, key), value)
        else:
            _put(tree, keys, _dimension(parameter))
    if space.forbidden:
        tree[FORBID] = [{term.key: term.written for term in clause.terms} for clause in space.forbidden]
    return "".join((*_commented(placed, ()), *_lines(tree, placed))) or "{}\n"


def dump_values(values: Mapping[str, Any], condition: Condition = ()) -> str:
    """Write the lines of a space file that set `values` by key.

    From the outermost section inwards.

    Each is a scalar, or a dimension as a dict; `condition` says in which branches they stand.
    """
    tree: dict[str, Any] = {}
    for key, value in values.items():
        _put(tree, _tree_path(key, condition), _Flow(value) if isinstance(value, dict) else value)
    return "".join(_lines(tree, {}))


def flow(value: Any) -> str:
    """Write a scalar, list or dict as YAML on one line."""
    return _flow(value)


class _Flow(dict[str, Any]):
    """A mapping that is written on one line."""


def _dimension(parameter: Parameter) -> _Flow:
    if isinstance(parameter, Choice):
        return _Flow({"choices": list(parameter.choices)} | _belief(parameter))
    scale = {"log": True} if parameter.log else {"step": parameter.step} if parameter.step not in (None, 1) else {}
    return _Flow({"low": parameter.low, "high": parameter.high} | scale | _belief(parameter))


def _belief(parameter: Parameter) -> dict[str, Any]:
    prior = {"prior": parameter.prior} if parameter.has_prior else {}
    return prior if parameter.confidence is None else {**prior, "confidence": parameter.confidence}


def _tree_path(key: str, condition: Condition) -> tuple[str, ...]:
    if not condition:
        return tuple(key.split("."))
    choice, branch = condition[-1]
    inside = key[len(choice) + len(branch) + 2 :]
    return (*_tree_path(choice, condition[:-1]), "choices", branch, *(inside.split(".") if inside else ()))


def _put(tree: dict[str, Any], keys: tuple[str, ...], value: Any) -> None:
    for key in keys[:-1]:
        tree = tree.setdefault(key, {})
    # a branch that is empty so far must not erase what is there
    tree.setdefault(keys[-1], value)


def _lines(tree: dict[str, Any], comments: Comments, at: tuple[str, ...] = ()) -> list[str]:
    """The lines of what stands at a path, with the comments on it."""
    lines, indent = [], "  " * len(at)
    for key, value in tree.items():
        lines += _commented(comments, (*at, key))
        if isinstance(value, dict) and value and not isinstance(value, _Flow):
            lines += [f"{indent}{_flow(key)}:\n", *_lines(value, comments, (*at, key))]
        else:
            lines.append(f"{indent}{_flow(key)}: {_flow(value)}\n")
    return lines


def _commented(comments: Comments, at: tuple[str, ...]) -> list[str]:
    """The comments that stand above a path; those on the whole, at (), above all."""
    indent = "  " * (len(at) - 1)
    # what they quote may be somebody else's, and must not end where a line does
    return [f"{indent}# {_UNPRINTABLE.sub(_escaped, visible(text))}\n" for text in comments.get(at, ())]


def _flow(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_flow(key)}: {_flow(entry)}" for key, entry in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_flow, value)) + "]"
    return _scalar(value)


def _scalar(value: Scalar) -> str:
    if isinstance(value, str):
        if _PLAIN.match(value) and value.lower() not in _WORDS:
            return value
        return _UNPRINTABLE.sub(_escaped, json.dumps(value, ensure_ascii=False))
    return json.dumps(value)


def _escaped(match: re.Match[str]) -> str:
    return f"\\U{ord(match[0]):08x}"
