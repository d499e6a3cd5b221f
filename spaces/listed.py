"""Sections that may be given as a list: the first element is the section, the others are one of its fields."""

from pydantic import BaseModel

from .fields import Section
from .node import Node


def with_first_of_lists(root: Node, target: type[BaseModel]) -> Node:
    """Return the tree `root` with each such list as its first mapping, which has the others in a field of it."""
    if root.mapping is None:
        return root
    fields = Section(target).fields
    entries = {
        name: _first_of(node, field.listed) if (field := fields.get(name)) and field.listed else node
        for name, node in root.mapping.items()
    }
    return Node(entries, root.location)


def _first_of(node: Node, rest: str) -> Node:
    first, *others = node.items or (node,)
    if node.items is None or first.mapping is None:
        return node
    return Node(first.mapping | ({rest: Node(tuple(others), others[0].location)} if others else {}), first.location)
