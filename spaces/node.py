"""A YAML document as a tree in which every node knows where it was written."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..common.display import value_text
from ..errors import SpaceError
from .parameter import Scalar

MOST_MISTAKES = 10


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value was written: `text` for messages (`resnet.yaml:14`, `--set seed=1`), `base` for relative paths."""

    text: str
    base: Path


@dataclass(frozen=True, slots=True)
class Node:
    """A scalar, a list or a mapping with string keys; a value in a mapping has the place of its key."""

    value: "Scalar | tuple[Node, ...] | dict[str, Node]"
    place: Place

    @property
    def mapping(self) -> "dict[str, Node] | None":
        """The entries, where this is a mapping."""
        return self.value if isinstance(self.value, dict) else None

    @property
    def items(self) -> "tuple[Node, ...] | None":
        """The elements, where this is a list."""
        return self.value if isinstance(self.value, tuple) else None

    @property
    def is_scalar(self) -> bool:
        """Whether this is neither a list nor a mapping."""
        return not isinstance(self.value, tuple | dict)

    def plain(self) -> Any:
        """The value as plain dicts, lists and scalars."""
        if isinstance(self.value, dict):
            return {key: node.plain() for key, node in self.value.items()}
        if isinstance(self.value, tuple):
            return [node.plain() for node in self.value]
        return self.value


def refusal(place: Place, key: str, law: str) -> SpaceError:
    """The one form of every complaint about a space: place, key path (may be ""), law and value."""
    return SpaceError(f"{place.text}: {key}: {law}" if key else f"{place.text}: {law}")


def refuse_all(mistakes: Sequence[SpaceError]) -> None:
    """Refuse a space for all that is wrong with it: the first ten mistakes, a line each.

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
    """`value`, plain or a node, as a message shows it: short, on one line."""
    return value_text(value.plain() if isinstance(value, Node) else value)
