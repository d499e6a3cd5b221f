"""Choices of branches in the place of a section: what is one, and what its branches are."""

from ..errors import nearest
from .fields import Kind, Leaf, Variants
from .node import Node, Place, refusal, shown


def branching(node: Node, kind: Kind) -> bool:
    """Whether `node` is a choice of branches in the place of a section."""
    entries = node.mapping
    if entries is None or "choices" not in entries or isinstance(kind, Leaf):
        return False
    return kind.tag not in entries if isinstance(kind, Variants) else kind.field("choices") is None


def branches(node: Node, kind: Kind, key: str) -> dict[str, Node]:
    """The branches of the choice `node` by name; `choices: [a, b]` are variants with nothing set in them.

    Raises:
        SpaceError: there are none, or they are not what `kind` can have.
    """
    choices = (node.mapping or {})["choices"]
    names = choices.items
    if names is not None and isinstance(kind, Variants) and all(isinstance(item.value, str) for item in names):
        if len({str(item.value) for item in names}) < len(names):
            raise refusal(choices.place, key, f"choices must differ, got {shown(choices)}")
        found = {str(item.value): Node({}, item.place) for item in names}
    elif choices.mapping is not None:
        found = choices.mapping
    else:
        raise refusal(choices.place, key, f"choices must be a mapping of branches here, got {shown(choices)}")
    if not found:
        raise refusal(choices.place, key, "choices must have at least one branch, got none")
    return found


def no_variant(place: Place, key: str, name: object, kind: Variants) -> Exception:
    """The refusal of a name that stands for no variant."""
    hint = nearest(str(name), kind.names)
    if kind.beside_names and not hint.endswith("?"):
        hint += f", or {kind.beside_names}"
    return refusal(place, key, f"no variant {shown(name)}; {hint}")
