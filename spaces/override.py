"""`--set key=value`: changes of the tree before it is read.

So every law holds for them as for the file.
"""

from pathlib import Path

from pydantic import BaseModel

from ..errors import SpaceError, nearest
from .branch import branches, branching, no_variant
from .dimension import CHOICE, RANGE
from .document import parse_value
from .fields import Kind, Leaf, Section, Variants
from .keys import hint, keys
from .node import Location, Node, refusal, shown
from .walk import unknown_key


def override(root: Node, target: type[BaseModel], text: str) -> Node:
    """Put `text`, a `key=value` with the value in YAML, into `root`.

    A key goes through branches by their names (`optimizer.sgd.lr`). The name of a branch as the value of a choice of
    branches keeps that branch alone. Relative paths in the value are meant from the working directory.

    Raises:
        SpaceError: `text` has no key, its value is no YAML, or the key leads nowhere.
    """
    key, equals, value = text.partition("=")
    words = " ".join(text.split())
    location = Location(f"--set {words if len(words) <= 200 else words[:197] + '...'}", Path.cwd())
    if not equals or not key.strip() or not key.isprintable():
        raise SpaceError(f"{location.text}: must be key=value")
    change = _Override(parse_value(value, location), key.strip(), root, Section(target))
    return change.put(root, Section(target), key.strip())


class _Override:
    """A change of the tree `root`: `value` at `key`.

    It is read along `target`.
    """

    def __init__(self, value: Node, key: str, root: Node, target: Section) -> None:
        self.value, self.key, self.root, self.target = value, key, root, target

    def put(self, node: Node | None, kind: Kind, rest: str) -> Node:
        """Return `node` with the value at `rest`.

        `rest` is the part of the key that is still to go.
        """
        if not rest:
            return self._replaced(node, kind)
        if isinstance(kind, Leaf):
            return self._into_dimension(node, rest)
        entries = self._entries(node, kind)
        if node is not None and branching(node, kind):
            return Node(self._into_branch(node, entries, kind, rest), node.location)
        head, tail, field = self._field(entries, kind, rest)
        # None where the file does not say it: the sections on the way are made
        child = self.put(entries.get(head), field, tail)
        return Node(entries | {head: child}, node.location if node else self.value.location)

    def _refuse(self, law: str) -> SpaceError:
        return refusal(self.value.location, self.key, law)

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
            variant = kind.variant(name)
            if name is None and rest != kind.tag:
                raise self._refuse(f"needs {kind.tag} to be set first, choose from {', '.join(kind.names)}")
            if variant is None and rest != kind.tag:
                raise no_variant(self.value.location, self.key, name, kind)
            # a branch that an earlier --set has kept alone may still be named on the way.
            rest = rest.removeprefix(f"{name}.")
            section = variant or Section(kind.models[0])
        assert isinstance(section, Section)
        head, _, tail = rest.partition(".")
        field = section.field(head)
        if field is None:
            raise unknown_key(self.value.location, self.key, rest, section, self.root, self.target)
        return head, tail, field.kind

    def _into_branch(
        self, node: Node, entries: dict[str, Node], kind: Section | Variants, rest: str
    ) -> dict[str, Node]:
        if rest in CHOICE:
            return entries | {rest: self.value}
        bodies = branches(node, kind, self.key)
        # names of branches may hold dots, so the longest that fits is meant
        label = max((name for name in bodies if f"{rest}.".startswith(f"{name}.")), key=len, default=None)
        if label is None:
            raise self._refuse(f"goes through a choice of branches; {hint(rest, bodies, keys(self.target, self.root))}")
        body = self._in_body(bodies[label], label, kind, rest[len(label) + 1 :])
        return entries | {"choices": Node(bodies | {label: body}, entries["choices"].location)}

    def _in_body(self, body: Node, label: str, kind: Section | Variants, rest: str) -> Node:
        if not rest:
            return self.value
        tagged = _tagged(body, label, kind)
        return self.put(tagged, kind, rest)

    def _into_dimension(self, node: Node | None, rest: str) -> Node:
        if node is None or node.mapping is None or rest not in RANGE | CHOICE:
            raise self._refuse(f"has no {rest}, it is {shown(node) if node else 'not set'}")
        return Node(node.mapping | {rest: self.value}, node.location)

    def _replaced(self, node: Node | None, kind: Kind) -> Node:
        label = self.value.value
        if node is None or isinstance(kind, Leaf) or not branching(node, kind) or not isinstance(label, str):
            return self.value
        bodies = branches(node, kind, self.key)
        if label in bodies:
            return _tagged(Node(bodies[label].value, self.value.location), label, kind)
        if kind.names:
            return self.value
        raise self._refuse(f"no branch {shown(label)}; {nearest(label, bodies)}")


def _tagged(body: Node, label: str, kind: Section | Variants) -> Node:
    """Return a branch as a section that names its variant."""
    if not isinstance(kind, Variants) or not (body.value is None or body.mapping is not None):
        return body
    return Node({kind.tag: Node(label, body.location)} | (body.mapping or {}), body.location)
