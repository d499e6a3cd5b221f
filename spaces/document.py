"""YAML 1.2 text to a Node tree with source locations.

Nothing is read that a space file does not need. ruamel.yaml's pure parser gives the events; the tree is built here, so
that every limit is checked before memory or time is spent, and every scalar keeps its line. Refused: tags, duplicate
and non-string keys, several documents, deep nesting, aliases that grow the document beyond its node limit.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from .node import Location, Node, refusal, shown
from .parameter import Scalar

# the bundled spaces have 5 levels; the reader is recursive, with some frames a level of Python's 1,000
MAX_DEPTH = 32
# read in 0.9 s (one core of a two-core machine); the larger of the bundled spaces has 81
MAX_NODES = 20_000
MAX_WHOLE = 2**53
"""Optuna keeps whole numbers as doubles, which are exact up to here."""

# YAML 1.2.2, section 10.3.2, the core schema: `1e-4` is a number, `on`, `yes` and `1_000` are strings.
_NULL = re.compile(r"(?:null|Null|NULL|~|)\Z")
_BOOL = re.compile(r"(?:true|True|TRUE|false|False|FALSE)\Z")
_INT = re.compile(r"[-+]?[0-9]+\Z", re.ASCII)
_BASED = re.compile(r"0(?:o[0-7]+|x[0-9a-fA-F]+)\Z")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z", re.ASCII)
_NOT_FINITE = re.compile(r"(?:[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))\Z")


@dataclass(slots=True)
class _Origin:
    """The name of the text, with lines worth naming or none."""

    location: Location
    lines: list[str] | None

    def at(self, line: int) -> Location:
        return self.location if self.lines is None else Location(f"{self.location.text}:{line + 1}", self.location.base)


def parse_file(text: str, location: Location) -> Node:
    """Parse a whole file; messages name its lines.

    Raises:
        SpaceError: with file and line, for anything that is not plain YAML.
    """
    return _parse(text, _Origin(location, re.split(r"\r\n|[\n\r\x85\u2028\u2029]", text)))


def parse_value(text: str, location: Location) -> Node:
    """Parse a value of the command line; messages name `location` alone.

    Raises:
        SpaceError: for anything that is not plain YAML.
    """
    return _parse(text, _Origin(location, None))


def _parse(text: str, origin: _Origin) -> Node:
    try:
        return _Builder(origin, YAML(typ="safe", pure=True).parse(text)).document()
    except MarkedYAMLError as error:
        line = (error.problem_mark or error.context_mark).line
        source = f"\n    {origin.lines[line].strip()[:100]}" if origin.lines and line < len(origin.lines) else ""
        raise refusal(origin.at(line), "", f"not valid YAML: {error.problem or error.context}{source}") from None
    except YAMLError as error:
        line = text.count("\n", 0, getattr(error, "position", 0))
        raise refusal(origin.at(line), "", f"not valid YAML: {str(error).splitlines()[0]}") from None


@dataclass(slots=True)
class _Builder:
    origin: _Origin
    events: Iterator[Any]
    count: int = 0
    anchors: dict[str, Node] = field(default_factory=dict)

    def document(self) -> Node:
        root: Node | None = None
        for event in self.events:
            if isinstance(event, DocumentStartEvent) and event.version not in (None, (1, 2)):
                raise refusal(self._at(event), "", f"must be YAML 1.2, got {event.version}")
            if isinstance(event, NodeEvent):
                if root is not None:
                    raise refusal(self._at(event), "", "must be one document, got a second one")
                root = self._node(event, self._at(event), "", 0)
        return root or Node(None, self.origin.at(0))

    def _at(self, event: Any) -> Location:
        return self.origin.at(event.start_mark.line)

    def _node(self, event: Any, location: Location, key: str, depth: int) -> Node:
        if isinstance(event, AliasEvent):
            return self._alias(event, key, depth)
        if event.ctag is not None:
            raise refusal(self._at(event), key, f"YAML tags have no meaning here, got {str(event.ctag)[:60]}")
        self._add(1, depth, event, key)
        node = Node(self._value(event, location, key, depth), location)
        if event.anchor is not None:
            self.anchors[event.anchor] = node
        return node

    def _value(self, event: Any, location: Location, key: str, depth: int) -> Any:
        if isinstance(event, MappingStartEvent):
            return self._mapping(key, depth)
        if isinstance(event, SequenceStartEvent):
            return self._sequence(key, depth)
        return _scalar(event, location, key)

    def _add(self, nodes: int, depth: int, event: Any, key: str) -> None:
        if depth > MAX_DEPTH:
            raise refusal(self._at(event), key, f"at most {MAX_DEPTH} levels may be nested, got more")
        self.count += nodes
        if self.count > MAX_NODES:
            raise refusal(self._at(event), key, f"at most {MAX_NODES} values (aliases expanded), got more")

    def _alias(self, event: AliasEvent, key: str, depth: int) -> Node:
        if event.anchor not in self.anchors:
            raise refusal(self._at(event), key, f"an alias must follow its anchor, got *{event.anchor}")
        node = self.anchors[event.anchor]
        nodes, height = _measure(node)
        # an alias counts as all that it stands for, else nine lines of ten aliases each are a billion nodes
        self._add(nodes, depth + height, event, key)
        return node

    def _mapping(self, key: str, depth: int) -> dict[str, Node]:
        entries: dict[str, Node] = {}
        for event in self.events:
            if isinstance(event, MappingEndEvent):
                break
            name = self._key(event, key, depth)
            inner = f"{key}.{name}" if key else name
            if name in entries:
                raise refusal(self._at(event), inner, f"duplicate key, first at {entries[name].location.text}")
            entries[name] = self._node(next(self.events), self._at(event), inner, depth + 1)
        return entries

    def _key(self, event: Any, key: str, depth: int) -> str:
        node = self._node(event, self._at(event), key, depth + 1)
        if not isinstance(node.value, str):
            raise refusal(self._at(event), key, f"a key must be a string, got {shown(node)}")
        if not node.value.isprintable() or not node.value or len(node.value) > 400:
            raise refusal(self._at(event), key, f"a key must be 1 to 400 printable characters, got {shown(node)}")
        return node.value

    def _sequence(self, key: str, depth: int) -> tuple[Node, ...]:
        items: list[Node] = []
        for event in self.events:
            if isinstance(event, SequenceEndEvent):
                break
            items.append(self._node(event, self._at(event), key, depth + 1))
        return tuple(items)


def _measure(node: Node) -> tuple[int, int]:
    """Count the nodes of a tree and the levels below its root."""
    inside = [_measure(child) for child in node.items or (node.mapping or {}).values()]
    return 1 + sum(nodes for nodes, _ in inside), max((1 + height for _, height in inside), default=0)


def _scalar(event: ScalarEvent, location: Location, key: str) -> Scalar:
    text: str = event.value
    # it was quoted, so it is a string whatever it looks like
    if not event.implicit[0]:
        return text
    if _NULL.match(text):
        return None
    if _BOOL.match(text):
        return text.lower() == "true"
    if _NOT_FINITE.match(text):
        raise refusal(location, key, f"a number must be finite, got {text}")
    if _INT.match(text) or _BASED.match(text):
        return _whole(text, location, key)
    if _FLOAT.match(text):
        return _real(text, location, key)
    return text


def _whole(text: str, location: Location, key: str) -> int:
    # int() itself refuses to read more than 4,300 digits.
    value = int(text, 0 if _BASED.match(text) else 10) if len(text) <= 100 else MAX_WHOLE + 1
    if abs(value) > MAX_WHOLE:
        raise refusal(location, key, f"a whole number must lie within 2**53 of 0, got {text[:60]}")
    return value


def _real(text: str, location: Location, key: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise refusal(location, key, f"a number must be finite, got {text[:60]}")
    return value
