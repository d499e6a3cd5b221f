"""Pages of sections: whatever they say is text."""

from html.parser import HTMLParser

import pytest
from hpo.common.sections import (
    Block,
    Chart,
    Charts,
    Code,
    Facts,
    Items,
    Picture,
    Section,
    Table,
    Text,
    Tile,
    Tiles,
    sections_page,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from markupsafe import Markup

SVG = Markup("<svg></svg>")
PARTS = {
    "a", "b", "body", "details", "div", "figcaption", "figure", "h1", "h2", "head", "html", "i", "img", "li", "meta",
    "nav", "p", "pre", "section", "span", "style", "svg", "table", "td", "th", "title", "tr", "ul",
}  # fmt: skip


class Elements(HTMLParser):
    """The elements and the attributes of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.texts: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def blocks(text: str) -> list[Block]:
    chart = Chart(SVG, (("best", text),), text)
    return [
        Text(text), Text(text, quiet=True), Items([text]), Tiles([Tile(text, text, text)]), Facts({text: text}),
        Table([text, "b"], [[text, text]], frozenset((text,)), frozenset((0,))), Code(text), chart, Charts([chart]),
        Picture("data:image/png;base64,AAAA", text),
    ]  # fmt: skip


def page(text: str) -> str:
    return sections_page(text, text, {"one": Section(text, blocks(text))})


@given(st.text(max_size=60))
@settings(max_examples=40)
def test_no_text_becomes_an_element(text: str) -> None:
    elements = Elements(page(text))
    assert elements.tags <= PARTS
    assert not any(name.startswith("on") for name in elements.attributes)


@pytest.mark.parametrize(
    "text", ["<script>alert(1)</script>", "\" onload='x'", "</style><script>", "{{ 1234 * 5678 }}", "\x1b[2J\u202e"]
)
def test_what_attacks_a_page_stands_there_as_text(text: str) -> None:
    written = page(text)
    assert "<script" not in written
    assert "7006652" not in "".join(Elements(written).texts)
    assert not {"\x1b", "\u202e"} & set(written)


def test_every_kind_of_block_says_what_it_holds() -> None:
    for block in blocks("the words"):
        written = sections_page("title", "lead", {"one": Section("part", [block])})
        assert "the words" in written.partition("</nav>")[2]


def test_a_text_of_a_megabyte_is_shortened() -> None:
    assert len(page("x" * 2**20)) < 50_000


def test_code_keeps_its_lines_and_their_indents() -> None:
    assert "<pre>a:\n  b: 1\n</pre>" in sections_page("t", "l", {"one": Section("s", [Code("a:\n  b: 1")])})


def test_it_fetches_nothing_and_runs_nothing() -> None:
    written = page("plain")
    assert "http" not in written
    assert "<script" not in written
    assert "@media print" in written
    assert 'href="#one"' in written
