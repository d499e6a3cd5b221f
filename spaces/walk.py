"""A Node tree along a pydantic model: every dimension and fixed value found, everything else refused."""

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
from .node import Node, Place, refusal, refuse_all, shown
from .parameter import Choice, Condition, Parameter
from .paths import resolved
from .space import Fixed


@dataclass(slots=True)
class Found:
    """What a file says, in its order, where it says it, and what it says that works with other fields only.

    `root` and `target` are the whole tree and what it is read along; `mistakes` is what is wrong with it.
    """

    root: Node
    target: Section
    parameters: list[Parameter] = field(default_factory=list)
    values: list[Fixed] = field(default_factory=list)
    places: dict[str, Place] = field(default_factory=dict)
    needs: dict[str, Needs] = field(default_factory=dict)
    mistakes: list[SpaceError] = field(default_factory=list)

    @contextmanager
    def noting(self) -> Iterator[None]:
        """Keep a mistake, so that what follows is read as well and all mistakes are told at once."""
        try:
            yield
        except SpaceError as error:
            self.mistakes.append(error)

    def parameter(self, parameter: Parameter, place: Place) -> None:
        """Adds a dimension."""
        self.parameters.append(parameter)
        self.places[parameter.key] = place

    def value(self, fixed: Fixed, place: Place) -> None:
        """Adds a fixed value."""
        self.values.append(fixed)
        self.places[fixed.key] = place


@dataclass(frozen=True, slots=True)
class Spot:
    """Where the walk stands: the key, the branches around it, and whether dimensions are forbidden from here on."""

    key: str = ""
    condition: Condition = ()
    fixed: bool = False

    def into(self, name: str, fixed: bool = False) -> "Spot":
        """The field `name` here."""
        return Spot(f"{self.key}.{name}" if self.key else name, self.condition, self.fixed or fixed)

    def branch(self, label: str) -> "Spot":
        """The branch `label` of the choice here."""
        return Spot(f"{self.key}.{label}", (*self.condition, (self.key, label)), self.fixed)


def walk(root: Node, target: type[BaseModel]) -> Found:
    """Every dimension and fixed value of the tree `root`, read along `target`.

    Raises:
        SpaceError: the tree says something that `target` does not allow; up to ten mistakes, a line each.
    """
    if root.mapping is None:
        law = f"a space must be a mapping of {', '.join(target.model_fields)}"
        raise refusal(root.place, "", f"{law}, got {shown(root)}")
    found = Found(root, Section(target))
    _section(found, root, found.target, Spot())
    refuse_all(found.mistakes)
    return found


def unknown_key(place: Place, key: str, name: str, section: Section, root: Node, target: Section) -> SpaceError:
    """The refusal of a key that `section` does not have; `root` and `target` are the whole space's."""
    if section.open:
        return refusal(place, key, f"a key must be a Python identifier, got {name}")
    return refusal(place, key, f"unknown key; {hint(name, section.fields, keys(target, root))}")


def _visit(found: Found, node: Node, field: Field, spot: Spot) -> None:
    kind = field.kind
    if isinstance(kind, Leaf):
        _leaf(found, node, field, kind, spot)
    elif node.value is None and kind.optional:
        found.value(Fixed(spot.key, None, spot.condition, field.default is None), node.place)
    elif isinstance(kind, Section):
        _section(found, node, kind, spot)
    else:
        _variants(found, node, kind, spot)


def _leaf(found: Found, node: Node, field: Field, leaf: Leaf, spot: Spot) -> None:
    if node.mapping is not None and not leaf.whole:
        _refuse_where_fixed(node, spot)
        parameter = dimension(node, spot.key, leaf, spot.condition)
        found.parameter(_resolved(parameter, node.place.base) if field.path else parameter, node.place)
        return
    try:
        value = leaf.check(node.plain())
    except ValueError as error:
        raise refusal(node.place, spot.key, f"{error}, got {shown(node)}{_near_option(node, leaf)}") from None
    if field.path and isinstance(value, str):
        value = resolved(value, node.place.base)
    default = value == field.default and isinstance(value, bool) == isinstance(field.default, bool)
    found.value(Fixed(spot.key, value, spot.condition, default), node.place)


def _resolved(parameter: Parameter, base: Path) -> Parameter:
    """A choice of paths with each meant from `base`."""
    if not isinstance(parameter, Choice):
        return parameter
    return replace(parameter, choices=tuple(resolved(c, base) if isinstance(c, str) else c for c in parameter.choices))


def _near_option(node: Node, leaf: Leaf) -> str:
    return f"; {nearest(node.value, map(str, leaf.options))}" if isinstance(node.value, str) and leaf.options else ""


def _section(found: Found, node: Node, section: Section, spot: Spot) -> None:
    if branching(node, section):
        _branches(found, node, section, spot)
    elif node.mapping is not None:
        _entries(found, node.mapping.items(), section, spot)
    elif node.value is not None:
        raise refusal(node.place, spot.key, f"must be a mapping of {', '.join(section.fields)}, got {shown(node)}")


def _entries(found: Found, entries: Iterable[tuple[str, Node]], section: Section, spot: Spot) -> None:
    for name, child in entries:
        with found.noting():
            field = section.field(name)
            if field is None:
                raise unknown_key(child.place, spot.into(name).key, name, section, found.root, found.target)
            if field.needs:
                found.needs[spot.into(name).key] = field.needs
            _visit(found, child, field, spot.into(name, field.fixed))


def _variants(found: Found, node: Node, kind: Variants, spot: Spot) -> None:
    if branching(node, kind):
        _branches(found, node, kind, spot)
    elif node.mapping is None:
        _variant(found, node, {}, kind, spot)
    elif kind.tag in node.mapping:
        _variant(found, node.mapping[kind.tag], node.mapping, kind, spot)
    else:
        law = f"{kind.tag} must say which variant, choose from {', '.join(kind.names)}"
        raise refusal(node.place, spot.key, f"{law}; got {shown(node)}")


def _variant(found: Found, name: Node, entries: dict[str, Node], kind: Variants, spot: Spot) -> None:
    if name.mapping is not None:
        law = f"{kind.tag} takes no dimension; write the variants as {{choices: {{...}}}} in its section"
        raise refusal(name.place, spot.into(kind.tag).key, f"{law}, got {shown(name)}")
    section = kind.variant(name.value)
    if section is None:
        raise no_variant(name.place, spot.key, name.plain(), kind)
    field = section.fields[kind.tag]
    value = resolved(str(name.value), name.place.base) if field.path else name.value
    at = spot.into(kind.tag)
    found.value(Fixed(at.key, value, at.condition), name.place)
    _entries(found, ((key, child) for key, child in entries.items() if key != kind.tag), section, spot)


def _branches(found: Found, node: Node, kind: Section | Variants, spot: Spot) -> None:
    _refuse_where_fixed(node, spot)
    bodies = branches(node, kind, spot.key)
    labels = tuple(sorted(bodies))
    with found.noting():
        check_keys(node, spot.key, CHOICE)
        prior = _prior_branch(node, labels, spot)
        choice = Choice(spot.key, labels, True, prior, confidence(node, spot.key), spot.condition)
        found.parameter(choice, node.place)
    for label, body in bodies.items():
        with found.noting():
            _body(found, label, body, kind, spot.branch(label))


def _prior_branch(node: Node, labels: tuple[str, ...], spot: Spot) -> int | None:
    """The position of the branch that is tried first; None where the choice `node` names none."""
    prior = (node.mapping or {}).get("prior")
    if prior is None:
        return None
    if prior.value not in labels:
        law = f"prior must be one of the branches, got {shown(prior)}; {nearest(str(prior.value), labels)}"
        raise refusal(prior.place, spot.key, law)
    return labels.index(str(prior.value))


def _body(found: Found, label: str, body: Node, kind: Section | Variants, spot: Spot) -> None:
    if body.value is not None and body.mapping is None:
        raise refusal(body.place, spot.key, f"a branch must be a mapping, got {shown(body)}")
    entries = body.mapping or {}
    if kind.optional and body.value is None and label not in kind.names:
        found.value(Fixed(spot.key, None, spot.condition), body.place)
    elif isinstance(kind, Section):
        _section(found, body, kind, spot)
    elif kind.tag in entries:
        if label in kind.names and entries[kind.tag].value != label:
            law = f"branch {label} must have the variant it is called by"
            raise refusal(body.place, spot.key, f"{law}, got {kind.tag} {shown(entries[kind.tag])}")
        _variant(found, entries[kind.tag], entries, kind, spot)
    else:
        _variant(found, Node(label, body.place), entries, kind, spot)


def _refuse_where_fixed(node: Node, spot: Spot) -> None:
    if spot.fixed:
        law = "must be a value, since it decides which data is used or what is compared"
        raise refusal(node.place, spot.key, f"{law}; got the dimension {shown(node)}")
