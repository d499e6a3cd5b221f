"""Pages of sections: what stands in them as plain values, of which sections.html beside this file makes HTML.

A section is made of blocks and never of HTML, so that nothing it says can be anything but text: each text is escaped,
shown on one line and shortened to a bound.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from markupsafe import Markup

from .page import render


@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph; a `quiet` one stands back."""

    kind: ClassVar[str] = "text"
    words: str
    quiet: bool = False


@dataclass(frozen=True, slots=True)
class Items:
    """A list of sentences."""

    kind: ClassVar[str] = "items"
    words: Sequence[str]


@dataclass(frozen=True, slots=True)
class Tile:
    """A number that everybody looks for, its name, and a line below it."""

    name: str
    value: str
    below: str = ""


@dataclass(frozen=True, slots=True)
class Tiles:
    """The numbers that everybody looks for."""

    kind: ClassVar[str] = "tiles"
    tiles: Sequence[Tile]


@dataclass(frozen=True, slots=True)
class Facts:
    """Names with their values; empty values are left out."""

    kind: ClassVar[str] = "facts"
    facts: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Table:
    """A table; the columns in `numbers` are aligned to the right, `marked` rows stand out."""

    kind: ClassVar[str] = "table"
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    numbers: frozenset[str] = frozenset()
    marked: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Code:
    """Commands or a file, as they are."""

    kind: ClassVar[str] = "code"
    text: str


@dataclass(frozen=True, slots=True)
class Chart:
    """A picture of common/charts, what its colours mean (CSS class, words), and a sentence on it."""

    kind: ClassVar[str] = "chart"
    svg: Markup
    legend: Sequence[tuple[str, str]] = ()
    caption: str = ""


@dataclass(frozen=True, slots=True)
class Charts:
    """Small charts beside each other."""

    kind: ClassVar[str] = "charts"
    charts: Sequence[Chart]


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture of pixels as a data: URI, with what it shows."""

    kind: ClassVar[str] = "picture"
    uri: str
    words: str


Block = Text | Items | Tiles | Facts | Table | Code | Chart | Charts | Picture


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a page with its title, at least one block."""

    title: str
    blocks: Sequence[Block]


def sections_page(title: str, lead: str, sections: Mapping[str, Section]) -> str:
    """Return a page as HTML; `sections` are by their anchors, `lead` stands below the title."""
    return render("common/sections.html", title=title, lead=lead, sections=sections)
