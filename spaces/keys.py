"""The keys that a space can have, for hints and completion.

Where a mistyped one may have been meant, and what a shell completes.
"""

from collections.abc import Iterable, Iterator
from difflib import get_close_matches

from ..errors import SpaceError, nearest
from .branch import branches, branching
from .fields import Kind, Leaf, Section, Variants
from .node import Node

MAX_DEPTH = 8  # dots in a key; those of a configuration have one, plus one per branch
_MOST = 3  # keys in a hint: what fits on a line
_NEAR = 0.8  # of a last part such as `learning_rte`; looser, it finds a key for any word
_LIKE = 0.65  # of a section: two letters of three that have changed places are 0.67, `train` in `constraints` is 0.62
_SYNONYMS = {"learning_rate": "lr", "wd": "weight_decay", "bs": "batch_size"}


def keys(kind: Kind, node: Node | None = None, prefix: str = "") -> Iterator[str]:
    """Yield the dotted keys below `kind`.

    By the variants and branches that `node` has there.

    Where it has none, the fields of every variant count; so a key may come more than once.
    """
    if isinstance(kind, Leaf):
        yield prefix
    if isinstance(kind, Leaf) or prefix.count(".") >= MAX_DEPTH:  # a model may contain itself
        return
    for name, inside, body in _parts(kind, node, prefix):
        yield from keys(inside, body, f"{prefix}.{name}" if prefix else name)


def hint(key: str, section: Iterable[str], everywhere: Iterable[str]) -> str:
    """Return the hint that ends an error about an unknown key.

    From the names of its section and the keys of the whole space.

    >>> hint("lr", ["model", "optimizer"], ["model.name", "optimizer.sgd.lr", "optimizer.adamw.lr"])
    'did you mean optimizer.sgd.lr or optimizer.adamw.lr?'
    """
    first, last = key.partition(".")[0], key.rpartition(".")[2]
    names = [*section]
    suggestion, elsewhere = nearest(first, names), _elsewhere(_SYNONYMS.get(last, last), everywhere)
    # of a key in a section that is not there, its last part tells more than a section with a name a little like that
    is_near = suggestion.endswith("?") and (first == last or get_close_matches(first, names, n=1, cutoff=_LIKE))
    return suggestion if is_near else elsewhere or suggestion


def _elsewhere(name: str, everywhere: Iterable[str]) -> str:
    by_last: dict[str, list[str]] = {}
    # a key may come once per variant, and one hint is enough
    for key in dict.fromkeys(everywhere):
        by_last.setdefault(key.rpartition(".")[2], []).append(key)
    close = get_close_matches(name, by_last, n=1, cutoff=_NEAR)
    return f"did you mean {' or '.join(by_last[close[0]][:_MOST])}?" if close else ""


def _parts(kind: Section | Variants, node: Node | None, key: str) -> Iterator[tuple[str, Kind, Node | None]]:
    """Yield the parts below `kind` by name: its branches, or its fields."""
    if node is not None and branching(node, kind):
        try:
            bodies = branches(node, kind, key)
        except SpaceError:  # the same error is raised, and shown, where the space is read
            return
        for label, body in bodies.items():
            yield label, (kind if isinstance(kind, Section) else kind.variant(_tag(kind, body) or label) or kind), body
        return
    entries = (node.mapping if node else None) or {}
    for section in [kind] if isinstance(kind, Section) else _variants(kind, node):
        for name, field in section.fields.items():
            yield name, field.kind, entries.get(name)


def _variants(kind: Variants, node: Node | None) -> list[Section]:
    chosen = kind.variant(_tag(kind, node))
    return [chosen] if chosen else [Section(model) for model in kind.models]


def _tag(kind: Variants, node: Node | None) -> object:
    """Return the variant that `node` names, or None."""
    if node is None or node.mapping is None:
        return None if node is None else node.value
    return node.mapping[kind.tag].value if kind.tag in node.mapping else None
