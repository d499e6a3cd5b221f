"""`--set key=value`: a change of the tree before it is read, so that every law holds for it as for the file."""

from pathlib import Path

from pydantic import BaseModel

from ..errors import SpaceError, nearest
from .branch import branches, branching, no_variant
from .dimension import CHOICE, RANGE
from .document import parse_value
from .fields import Kind, Leaf, Section, Variants
from .keys import hint, keys
from .node import Node, Place, refusal, shown
from .walk import unknown_key


def override(root: Node, target: type[BaseModel], text: str) -> Node:
    """`root` with `text` (`key=value`, the value in YAML) put into it.

    A key goes through branches by their names (`optimizer.sgd.lr`). The name of a branch as the value of a choice of
    branches keeps that branch alone. Relative paths in the value are meant from the working directory.

    Raises:
        SpaceError: `text` has no key, its value is no YAML, or the key leads nowhere.
    """
    key, equals, value = text.partition("=")
    words = " ".join(text.split())
    place = Place(f"--set {words if len(words) <= 200 else words[:197] + '...'}", Path.cwd())
    if not equals or not key.strip() or not key.isprintable():
        raise SpaceError(f"{place.text}: must be key=value")
    change = _Override(parse_value(value, place), key.strip(), root, Section(target))
    return change.put(root, Section(target), key.strip())


class _Override:
    """A change of the tree `root`, read along `target`: `value` at `key`."""

    def __init__(self, value: Node, key: str, root: Node, target: Section) -> None:
        self.value, self.key, self.root, self.target = value, key, root, target

    def put(self, node: Node | None, kind: Kind, rest: str) -> Node:
        """`node` with the value at `rest`, the part of the key that is still to go."""
        if not rest:
            return self._replaced(node, kind)
        if isinstance(kind, Leaf):
            return self._into_dimension(node, rest)
        entries = self._entries(node, kind)
        if node is not None and branching(node, kind):
            return Node(self._into_branch(node, entries, kind, rest), node.place)
        head, tail, field = self._field(entries, kind, rest)
        child = self.put(entries.get(head), field, tail)
        return Node(entries | {head: child}, node.place if node else self.value.place)

    def _refuse(self, law: str) -> SpaceError:
        return refusal(self.value.place, self.key, law)

    def _entries(self, node: Node | None, kind: Section | Variants) -> dict[str, Node]:
        if node is None or node.value is None:
            return {}
        if isinstance(kind, Variants) and isinstance(node.value, str):
            return {kind.tag: node}
        if node.mapping is None:
            raise self._refuse(f"there is no mapping on the way, got {shown(node)}")
        return node.mapping

    def _field(self, entries: dict[str, Node], kind: Section | Variants, rest: str) -> tuple[str, str, Kind]:
        section = kind
        if isinstance(kind, Variants):
            name = entries[kind.tag].value if kind.tag in entries else None
            found = kind.variant(name)
            if name is None and rest != kind.tag:
                raise self._refuse(f"needs {kind.tag} to be set first, choose from {', '.join(kind.names)}")
            if found is None and rest != kind.tag:
                raise no_variant(self.value.place, self.key, name, kind)
            # A branch that an earlier --set has kept alone may still be named on the way.
            rest = rest.removeprefix(f"{name}.")
            section = found or Section(kind.models[0])
        assert isinstance(section, Section)
        head, _, tail = rest.partition(".")
        field = section.field(head)
        if field is None:
            raise unknown_key(self.value.place, self.key, rest, section, self.root, self.target)
        return head, tail, field.kind

    def _into_branch(
        self, node: Node, entries: dict[str, Node], kind: Section | Variants, rest: str
    ) -> dict[str, Node]:
        if rest in CHOICE:
            return entries | {rest: self.value}
        bodies = branches(node, kind, self.key)
        label = max((name for name in bodies if f"{rest}.".startswith(f"{name}.")), key=len, default=None)
        if label is None:
            raise self._refuse(f"goes through a choice of branches; {hint(rest, bodies, keys(self.target, self.root))}")
        body = self._in_body(bodies[label], label, kind, rest[len(label) + 1 :])
        return entries | {"choices": Node(bodies | {label: body}, entries["choices"].place)}

    def _in_body(self, body: Node, label: str, kind: Section | Variants, rest: str) -> Node:
        if not rest:
            return self.value
        tagged = _tagged(body, label, kind)
        return self.put(tagged, kind, rest)

    def _into_dimension(self, node: Node | None, rest: str) -> Node:
        if node is None or node.mapping is None or rest not in RANGE | CHOICE:
            raise self._refuse(f"has no {rest}, it is {shown(node) if node else 'not set'}")
        return Node(node.mapping | {rest: self.value}, node.place)

    def _replaced(self, node: Node | None, kind: Kind) -> Node:
        label = self.value.value
        if node is None or isinstance(kind, Leaf) or not branching(node, kind) or not isinstance(label, str):
            return self.value
        bodies = branches(node, kind, self.key)
        if label in bodies:
            return _tagged(Node(bodies[label].value, self.value.place), label, kind)
        if kind.names:
            return self.value
        raise self._refuse(f"no branch {shown(label)}; {nearest(label, bodies)}")


def _tagged(body: Node, label: str, kind: Section | Variants) -> Node:
    """The body of a branch as a section of its own, which has to say its variant."""
    if not isinstance(kind, Variants) or not (body.value is None or body.mapping is not None):
        return body
    return Node({kind.tag: Node(label, body.place)} | (body.mapping or {}), body.place)
