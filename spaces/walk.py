"""The walk of a Node tree along a pydantic model.

Every dimension and fixed value is collected, everything else refused.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from pydantic import BaseModel

from ..errors import SpaceError, nearest
from .branch import branches, branching, no_variant
from .dimension import CHOICE, check_keys, confidence, dimension
from .fields import Field, Leaf, Needs, Section, Variants
from .keys import hint, keys
from .node import Location, Node, refusal, refuse_all, shown
from .parameter import Choice, Condition, Parameter
from .paths import resolved
from .space import Fixed


@dataclass(slots=True)
class SpaceContent:
    """The content of a space file, in its order, with its locations.

    `needs` are values that work only beside others. `root` and `target` are the whole tree and what it is read along;
    `mistakes` is what is wrong with it.
    """

    root: Node
    target: Section
    parameters: list[Parameter] = field(default_factory=list)
    values: list[Fixed] = field(default_factory=list)
    locations: dict[str, Location] = field(default_factory=dict)
    needs: dict[str, Needs] = field(default_factory=dict)
    mistakes: list[SpaceError] = field(default_factory=list)

    @contextmanager
    def noting(self) -> Iterator[None]:
        """Collect a mistake and go on.

        What follows is read as well, and all mistakes are shown at once.
        """
        try:
            yield
        except SpaceError as error:
            self.mistakes.append(error)

    def parted(self) -> tuple[list[Fixed], list[Fixed]]:
        """Return the values of a trial, then those that stand apart and say something."""
        parts: tuple[list[Fixed], list[Fixed]] = [], []
        for value in self.values:
            section = self.target.field(value.key.partition(".")[0])
            is_apart = section is not None and section.apart
            if not (is_apart and value.value is None):
                parts[is_apart].append(value)
        return parts

    def parameter(self, parameter: Parameter, location: Location) -> None:
        """Add a dimension."""
        self.parameters.append(parameter)
        self.locations[parameter.key] = location

    def value(self, fixed: Fixed, location: Location) -> None:
        """Add a fixed value."""
        self.values.append(fixed)
        self.locations[fixed.key] = location


@dataclass(frozen=True, slots=True)
class Position:
    """The position of the walk in the tree.

    The key, the branches around it, and whether dimensions are forbidden from here on.
    """

    key: str = ""
    condition: Condition = ()
    fixed: bool = False

    def into(self, name: str, fixed: bool = False) -> "Position":
        """Return the position of the field `name` in this one."""
        return Position(f"{self.key}.{name}" if self.key else name, self.condition, self.fixed or fixed)

    def branch(self, label: str) -> "Position":
        """Return the position of the branch `label` of this choice."""
        return Position(f"{self.key}.{label}", (*self.condition, (self.key, label)), self.fixed)


def walk(root: Node, target: type[BaseModel]) -> SpaceContent:
    """Collect dimensions and fixed values of the tree `root`.

    It is read along `target`.

    Raises:
        SpaceError: the tree says something that `target` does not allow; up to ten mistakes, a line each.
    """
    if root.mapping is None:
        law = f"a space must be a mapping of {', '.join(target.model_fields)}"
        raise refusal(root.location, "", f"{law}, got {shown(root)}")
    content = SpaceContent(root, Section(target))
    _section(content, root, content.target, Position())
    refuse_all(content.mistakes)
    return content


def unknown_key(location: Location, key: str, name: str, section: Section, root: Node, target: Section) -> SpaceError:
    """Return the refusal of a key that `section` does not have.

    `root` and `target` are the whole space's.
    """
    if section.open:
        return refusal(location, key, f"a key must be a Python identifier, got {name}")
    return refusal(location, key, f"unknown key; {hint(name, section.fields, keys(target, root))}")


def _visit(content: SpaceContent, node: Node, field: Field, position: Position) -> None:
    kind = field.kind
    if isinstance(kind, Leaf):
        _leaf(content, node, field, kind, position)
    elif node.value is None and kind.optional:
        content.value(Fixed(position.key, None, position.condition, field.default is None), node.location)
    elif isinstance(kind, Section):
        _section(content, node, kind, position)
    else:
        _variants(content, node, kind, position)


def _leaf(content: SpaceContent, node: Node, field: Field, leaf: Leaf, position: Position) -> None:
    if node.mapping is not None and not leaf.whole:
        _refuse_where_fixed(node, position)
        parameter = dimension(node, position.key, leaf, position.condition)
        content.parameter(_resolved(parameter, node.location.base) if field.path else parameter, node.location)
        return
    try:
        value = leaf.check(node.plain())
    except ValueError as error:
        raise refusal(node.location, position.key, f"{error}, got {shown(node)}{_near_option(node, leaf)}") from None
    if field.path and isinstance(value, str):
        value = resolved(value, node.location.base)
    # True == 1 in Python: a bool is the default only of a bool
    default = value == field.default and isinstance(value, bool) == isinstance(field.default, bool)
    content.value(Fixed(position.key, value, position.condition, default), node.location)


def _resolved(parameter: Parameter, base: Path) -> Parameter:
    """Return a choice of paths with each meant from `base`."""
    if not isinstance(parameter, Choice):
        return parameter
    return replace(parameter, choices=tuple(resolved(c, base) if isinstance(c, str) else c for c in parameter.choices))


def _near_option(node: Node, leaf: Leaf) -> str:
    return f"; {nearest(node.value, map(str, leaf.options))}" if isinstance(node.value, str) and leaf.options else ""


def _section(content: SpaceContent, node: Node, section: Section, position: Position) -> None:
    if branching(node, section):
        _branches(content, node, section, position)
    elif node.mapping is not None:
        _entries(content, node.mapping.items(), section, position)
    elif node.value is not None:
        raise refusal(
            node.location, position.key, f"must be a mapping of {', '.join(section.fields)}, got {shown(node)}"
        )


def _entries(content: SpaceContent, entries: Iterable[tuple[str, Node]], section: Section, position: Position) -> None:
    for name, child in entries:
        with content.noting():
            field = section.field(name)
            if field is None:
                raise unknown_key(child.location, position.into(name).key, name, section, content.root, content.target)
            if field.needs:
                content.needs[position.into(name).key] = field.needs
            _visit(content, child, field, position.into(name, field.fixed))


def _variants(content: SpaceContent, node: Node, kind: Variants, position: Position) -> None:
    if branching(node, kind):
        _branches(content, node, kind, position)
    elif node.mapping is None:
        _variant(content, node, {}, kind, position)
    elif kind.tag in node.mapping:
        _variant(content, node.mapping[kind.tag], node.mapping, kind, position)
    else:
        law = f"{kind.tag} must say which variant, choose from {', '.join(kind.names)}"
        raise refusal(node.location, position.key, f"{law}; got {shown(node)}")


def _variant(content: SpaceContent, name: Node, entries: dict[str, Node], kind: Variants, position: Position) -> None:
    if name.mapping is not None:
        law = f"{kind.tag} takes no dimension; write the variants as {{choices: {{...}}}} in its section"
        raise refusal(name.location, position.into(kind.tag).key, f"{law}, got {shown(name)}")
    section = kind.variant(name.value)
    if section is None:
        raise no_variant(name.location, position.key, name.plain(), kind)
    field = section.fields[kind.tag]
    value = resolved(str(name.value), name.location.base) if field.path else name.value
    tag_position = position.into(kind.tag)
    content.value(Fixed(tag_position.key, value, tag_position.condition), name.location)
    _entries(content, ((key, child) for key, child in entries.items() if key != kind.tag), section, position)


def _branches(content: SpaceContent, node: Node, kind: Section | Variants, position: Position) -> None:
    _refuse_where_fixed(node, position)
    bodies = branches(node, kind, position.key)
    # a mapping has no order in YAML, and the order of choices is part of a study's identity
    labels = tuple(sorted(bodies))
    with content.noting():
        check_keys(node, position.key, CHOICE)
        prior = _prior_branch(node, labels, position)
        choice = Choice(position.key, labels, True, prior, confidence(node, position.key), position.condition)
        content.parameter(choice, node.location)
    for label, body in bodies.items():
        with content.noting():
            _body(content, label, body, kind, position.branch(label))


def _prior_branch(node: Node, labels: tuple[str, ...], position: Position) -> int | None:
    """Return the position of the branch that is tried first, or None."""
    prior = (node.mapping or {}).get("prior")
    if prior is None:
        return None
    if prior.value not in labels:
        law = f"prior must be one of the branches, got {shown(prior)}; {nearest(str(prior.value), labels)}"
        raise refusal(prior.location, position.key, law)
    return labels.index(str(prior.value))


def _body(content: SpaceContent, label: str, body: Node, kind: Section | Variants, position: Position) -> None:
    if body.value is not None and body.mapping is None:
        raise refusal(body.location, position.key, f"a branch must be a mapping, got {shown(body)}")
    entries = body.mapping or {}
    if kind.optional and body.value is None and label not in kind.names:
        content.value(Fixed(position.key, None, position.condition), body.location)
    elif isinstance(kind, Section):
        _section(content, body, kind, position)
    elif kind.tag in entries:
        if label in kind.names and entries[kind.tag].value != label:
            law = f"branch {label} must have the variant it is called by"
            raise refusal(body.location, position.key, f"{law}, got {kind.tag} {shown(entries[kind.tag])}")
        _variant(content, entries[kind.tag], entries, kind, position)
    else:
        _variant(content, Node(label, body.location), entries, kind, position)


def _refuse_where_fixed(node: Node, position: Position) -> None:
    if position.fixed:
        law = "must be a value, since it decides which data is used, what is compared or how the search goes"
        raise refusal(node.location, position.key, f"{law}; got the dimension {shown(node)}")
