"""Choices of branches that stand in the place of a section."""

from ..errors import nearest
from .fields import Kind, Leaf, Variants
from .node import Location, Node, refusal, shown


def branching(node: Node, kind: Kind) -> bool:
    """Tell whether `node` is a choice of branches for a section."""
    entries = node.mapping
    if entries is None or "choices" not in entries or isinstance(kind, Leaf):
        return False
    # a model may have a field of its own called `choices`; for variants the tag decides
    return kind.tag not in entries if isinstance(kind, Variants) else kind.field("choices") is None


def branches(node: Node, kind: Kind, key: str) -> dict[str, Node]:
    """Return the branches of the choice `node` by name.

    `choices: [a, b]` are variants with nothing set in them.

    Raises:
        SpaceError: there are none, or they are not what `kind` can have.
    """
    choices = (node.mapping or {})["choices"]
    names = choices.items
    if names is not None and isinstance(kind, Variants) and all(isinstance(item.value, str) for item in names):
        if len({str(item.value) for item in names}) < len(names):
            raise refusal(choices.location, key, f"choices must differ, got {shown(choices)}")
        bodies = {str(item.value): Node({}, item.location) for item in names}
    elif choices.mapping is not None:
        bodies = choices.mapping
    else:
        raise refusal(choices.location, key, f"choices must be a mapping of branches here, got {shown(choices)}")
    if not bodies:
        raise refusal(choices.location, key, "choices must have at least one branch, got none")
    return bodies


def no_variant(location: Location, key: str, name: object, kind: Variants) -> Exception:
    """Return the refusal of a name that stands for no variant."""
    hint = nearest(str(name), kind.names)
    if kind.beside_names and not hint.endswith("?"):
        hint += f", or {kind.beside_names}"
    return refusal(location, key, f"no variant {shown(name)}; {hint}")
