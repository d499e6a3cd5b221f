"""Reading of `--try FILE`: values that a search is to begin with."""

from collections.abc import Iterator
from pathlib import Path

from ...errors import SpaceError, nearest
from ...spaces.describe import values_of
from ...spaces.document import parse_file
from ...spaces.find import read_source
from ...spaces.node import Node, refusal, refuse_all, shown
from ...spaces.space import SearchSpace
from ...studies.book.first_trials import FirstTrial
from .enqueued import with_branches


def read_try_file(file: Path, space: SearchSpace) -> list[FirstTrial]:
    """The trials that a YAML file asks for: a mapping of values, or a list of such, in their order.

    Keys are those of the dimensions, with dots or nested. Dimensions that are left out are drawn.

    Raises:
        SpaceError: the file is no such YAML, or one of its values is not in `space`; with its line and key.
    """
    source = read_source(file)
    root = parse_file(source.text, source.location)
    mistakes: list[SpaceError] = []
    trials = []
    for node in root.items or (root,):
        values = _values(node)
        mistakes += _mistakes(values, space)
        trials.append({key: value.value for key, value in values.items()})
    refuse_all(mistakes)
    return [FirstTrial(params, {"try": params}) for params in trials]


def _values(node: Node) -> dict[str, Node]:
    """The values of one trial by dotted key.

    Raises:
        SpaceError: it is no mapping, or empty, or says a key twice.
    """
    if not node.mapping:
        raise refusal(node.location, "", f"a trial must be a mapping of dimensions to values, got {shown(node)}")
    values: dict[str, Node] = {}
    for key, value in _flat(node, ""):
        if key in values:
            raise refusal(value.location, key, f"duplicate key, first at {values[key].location.text}")
        values[key] = value
    return values


def _flat(node: Node, key: str) -> Iterator[tuple[str, Node]]:
    if node.mapping is None:
        yield key, node
        return
    for name, inside in node.mapping.items():
        yield from _flat(inside, f"{key}.{name}" if key else name)


def _mistakes(values: dict[str, Node], space: SearchSpace) -> Iterator[SpaceError]:
    wrong = {key: law for key, node in values.items() if (law := _wrong(key, node, space))}
    for key, law in wrong.items():
        yield refusal(values[key].location, key, law)
    if not wrong:
        try:
            with_branches({key: node.value for key, node in values.items()}, space)
        except SpaceError as error:  # two values are in branches that exclude each other
            key, _, law = str(error).partition(": ")
            yield refusal(values[key].location, key, law)


def _wrong(key: str, node: Node, space: SearchSpace) -> str:
    """What is wrong with a value, "" for nothing."""
    if (parameter := space.by_key.get(key)) is None:
        fixed = space.fixed.get(key)
        if key in space.fixed:
            return f"is no dimension: every trial has {shown(fixed)}, got {shown(node)}"
        return f"not a dimension of the space{f'; {nearest(key, space.by_key)}' if space.by_key else ''}"
    if not (node.is_scalar and parameter.contains(node.value)):
        return f"must be one of the space's values ({values_of(parameter)}), got {shown(node)}"
    return ""
