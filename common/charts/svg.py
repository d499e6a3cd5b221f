"""SVG elements as escaped text."""

from collections.abc import Iterable

from markupsafe import Markup, escape

from ..display import visible

Point = tuple[float, float]
"""A point of a picture, x to the right and y down, in its own units."""


def element(name: str, *children: str, **attributes: str | float) -> Markup:
    """Return an element; text and values in it are escaped, `Markup` is not.

    `kind` is the CSS class; an underscore in another name stands for a hyphen.

    >>> element("text", "a < b", kind="tick", text_anchor="end", x=1.25)
    Markup('<text class="tick" text-anchor="end" x="1.2">a &lt; b</text>')
    """
    written = (f' {_name(key)}="{escape(_value(value))}"' for key, value in attributes.items())
    inside = Markup().join(child if isinstance(child, Markup) else escape(visible(child)) for child in children)
    return Markup(f"<{name}{''.join(written)}>{inside}</{name}>")


def picture(width: float, height: float, words: str, parts: Iterable[Markup], *, kind: str) -> Markup:
    """Return the picture of these `parts`, `width` x `height` units; `words` say what it shows to who cannot see it."""
    return element("svg", *parts, kind=kind, viewBox=f"0 0 {width:g} {height:g}", role="img", aria_label=visible(words))


def path(points: Iterable[Point], kind: str, title: str = "") -> Markup:
    """Return a line through `points`; `title` is shown under the pointer."""
    steps = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return element("polyline", *titled(title), kind=kind, points=steps)


def dot(at: Point, kind: str, title: str = "", radius: float = 3) -> Markup:
    """Return a dot; `title` is shown under the pointer."""
    return element("circle", *titled(title), kind=kind, cx=at[0], cy=at[1], r=radius)


def label(text: str, at: Point, anchor: str = "middle", kind: str = "tick", full: str = "") -> Markup:
    """Return a text at its baseline; `full` is the whole of one that was shortened."""
    return element("text", text, *titled(full), kind=kind, x=at[0], y=at[1], text_anchor=anchor)


def titled(words: str) -> tuple[Markup, ...]:
    """Return the element that shows `words` under the pointer; none for no words."""
    return (element("title", words),) if words else ()


def shortened(text: str, letters: int) -> tuple[str, str]:
    """Return what fits in so many letters, at least 2, and the whole where that is more."""
    return (text, "") if len(text) <= letters else (f"{text[: letters - 1]}…", text)


def shortened_key(key: str, letters: int) -> tuple[str, str]:
    """Return the end of a dotted key, which says more than its beginning, and the whole where that is more."""
    return (key, "") if len(key) <= letters else (f"…{key[1 - letters :]}", key)


def _name(key: str) -> str:
    return "class" if key == "kind" else key.replace("_", "-")


def _value(value: str | float) -> str:
    # a tenth of a unit is less than a dot of a screen
    return value if isinstance(value, str) else f"{value:.1f}".removesuffix(".0")
