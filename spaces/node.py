"""A YAML document as a tree of nodes with source locations."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..common.display import value_text
from ..errors import SpaceError
from .parameter import Scalar

MOST_MISTAKES = 10  # lines, which fit on a screen below the command


@dataclass(frozen=True, slots=True)
class Location:
    """The source location of a value.

    `text` for messages (`resnet.yaml:14`, `--set seed=1`), `base` for relative paths.
    """

    text: str
    base: Path


@dataclass(frozen=True, slots=True)
class Node:
    """A scalar, a list or a mapping with string keys.

    A value in a mapping has the location of its key.
    """

    value: "Scalar | tuple[Node, ...] | dict[str, Node]"
    location: Location

    @property
    def mapping(self) -> "dict[str, Node] | None":
        """Return the entries, where this is a mapping."""
        return self.value if isinstance(self.value, dict) else None

    @property
    def items(self) -> "tuple[Node, ...] | None":
        """Return the elements, where this is a list."""
        return self.value if isinstance(self.value, tuple) else None

    @property
    def is_scalar(self) -> bool:
        """Tell whether this is neither a list nor a mapping."""
        return not isinstance(self.value, tuple | dict)

    def plain(self) -> Any:
        """Return the value as plain dicts, lists and scalars."""
        if isinstance(self.value, dict):
            return {key: node.plain() for key, node in self.value.items()}
        if isinstance(self.value, tuple):
            return [node.plain() for node in self.value]
        return self.value


def refusal(location: Location, key: str, law: str) -> SpaceError:
    """Return the error about a space, in its one form.

    Location, key path (may be ""), law and value.
    """
    return SpaceError(f"{location.text}: {key}: {law}" if key else f"{location.text}: {law}")


def refuse_all(mistakes: Sequence[SpaceError]) -> None:
    """Raise all `mistakes` as one error: the first ten, a line each.

    Raises:
        SpaceError: there is one.
    """
    if len(mistakes) == 1:
        raise mistakes[0]
    if mistakes:
        more = len(mistakes) - MOST_MISTAKES
        lines = [*map(str, mistakes[:MOST_MISTAKES]), *([f"and {more} more"] if more > 0 else [])]
        raise SpaceError("\n  ".join(lines))


def shown(value: Any) -> str:
    """Return `value`, plain or a node, as a message shows it.

    Short, on one line.
    """
    return value_text(value.plain() if isinstance(value, Node) else value)
