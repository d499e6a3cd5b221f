"""Fonts for the texts of a picture, in any script.

matplotlib draws a text in several fonts, each character in the first that has it, but it has to be told which. The
choice goes by the characters and not by names of fonts, so that it serves any script on any machine.
"""

import unicodedata
from collections.abc import Iterable
from contextlib import suppress
from functools import cache

from matplotlib import font_manager
from matplotlib.figure import Figure
from matplotlib.font_manager import FontEntry
from matplotlib.ft2font import FT2Font
from matplotlib.text import Text

from ..common.display import visible

_FIRST = "DejaVu Sans"  # comes with matplotlib, which draws in it by default
_HOLLOW = ("Last Resort", "LastResort", "Adobe Blank")  # have a hollow glyph for every character, which helps no reader
_BOX = "\N{WHITE SQUARE}"
_INVISIBLE = ("C", "Z")  # categories: controls, joiners, spaces
_SELECTORS = range(0xFE00, 0xFE10)  # say how the character before is drawn
_SHOWN = 12  # characters named in a note at most: a line, not a list of a script
_EAST_ASIAN = ("CJK", "HIRAGANA", "KATAKANA", "HANGUL", "BOPOMOFO")


def draw_literally(figure: Figure) -> None:
    """Give every text of `figure` fonts that have its characters.

    A `$` in a text is not taken for mathematics.

    A character that no font has becomes a box, one that would not be seen its number (common/display.py). The labels of
    numbers, which are made while drawing, stay as they are.
    """
    texts = [text for text in figure.findobj(Text) if isinstance(text, Text) and text.get_text()]
    characters = frozenset().union(*(text.get_text() for text in texts))
    families, missing = _choice(characters)
    for text in texts:
        text.set_fontfamily(list(families))
        text.set_parse_math(False)
    hidden = {character: visible(character) for character in characters - {"\n"}}
    replaced = {character: shown for character, shown in hidden.items() if shown != character}
    if replaced or missing:
        _replace(figure, texts, str.maketrans(replaced | dict.fromkeys(missing, _BOX)))


def _replace(figure: Figure, texts: Iterable[Text], characters: dict[int, str]) -> None:
    for text in texts:
        text.set_text(text.get_text().translate(characters))
    for axis in (axis for axes in figure.axes for axis in (axes.xaxis, axes.yaxis)):
        labels = [tick.label1.get_text() for tick in axis.get_major_ticks()]
        if any(labels):  # given by name, and written again from there whenever the picture is drawn
            axis.set_ticklabels(labels)


def missing_note(texts: Iterable[str]) -> str:
    """Return a note on characters that no installed font has, "" for none.

    >>> missing_note(["cat", "Katze", "кошка"])
    ''
    """
    _, missing = _choice(frozenset().union(*texts))
    if not missing:
        return ""
    more = f" and {len(missing) - _SHOWN} more" if len(missing) > _SHOWN else ""
    return (
        f"no installed font has {' '.join(missing[:_SHOWN])}{more}: boxes in the pictures; install {_package(missing)}"
    )


def _package(missing: str) -> str:
    """Return a font for a kind of scripts, and its Debian package."""
    if unicodedata.name(missing[0], "").startswith(_EAST_ASIAN):
        return "one that has, such as Noto Sans CJK (Debian: fonts-noto-cjk)"
    return "one that has, such as Noto Sans (Debian: fonts-noto-core)"


@cache
def _choice(characters: frozenset[str]) -> tuple[tuple[str, ...], str]:
    """Return font families that together have `characters`, and those missing.

    The family that has most of them comes first.
    """
    wanted = frozenset(filter(_is_visible, characters))
    wanted -= _covered(font_manager.findfont(_FIRST), wanted)
    families, wanted = _widest(font_manager.fontManager.ttflist, wanted)
    if wanted:  # what was installed since matplotlib made its list of fonts
        more, wanted = _widest(_unlisted(wanted), wanted)
        families += more
    return (_FIRST, *families), "".join(sorted(wanted))


def _is_visible(character: str) -> bool:
    return unicodedata.category(character)[0] not in _INVISIBLE and ord(character) not in _SELECTORS


def _widest(fonts: Iterable[FontEntry], wanted: frozenset[str]) -> tuple[list[str], frozenset[str]]:
    """Return few fonts that have `wanted`, and the characters left over."""
    if not wanted:
        return [], wanted
    chosen: list[str] = []
    has: dict[str, frozenset[str]] = {}
    for font in sorted(fonts, key=_oddity):
        # note: the first face of a file alone, which older versions of matplotlib draw in, too
        if font.name not in has and not font.name.startswith(_HOLLOW) and not getattr(font, "index", 0):
            has[font.name] = _covered(font.fname, wanted)
    while best := max(has, key=lambda name: len(has[name] & wanted), default=None):
        if not has[best] & wanted:
            break
        chosen.append(best)
        wanted -= has[best]
    return chosen, wanted


def _oddity(font: FontEntry) -> tuple[bool, bool, bool, float, str]:
    """Return the sort key that prefers upright, plain, regular fonts."""
    weight = font.weight if isinstance(font.weight, int | float) else 400
    return font.style != "normal", font.stretch != "normal", "Sans" not in font.name, abs(weight - 400), font.name


def _unlisted(wanted: frozenset[str]) -> list[FontEntry]:
    listed = {font.fname for font in font_manager.fontManager.ttflist}
    for path in sorted(set(font_manager.findSystemFonts()) - listed):
        if _covered(path, wanted):
            with suppress(OSError, RuntimeError, ValueError):  # one that cannot be scaled, or is broken
                font_manager.fontManager.addfont(path)
    return [font for font in font_manager.fontManager.ttflist if font.fname not in listed]


def _covered(path: str, characters: frozenset[str]) -> frozenset[str]:
    """Return those of `characters` that the font in `path` has.

    None where it cannot be read.
    """
    try:
        font = FT2Font(path)
        return frozenset(one for one in characters if font.get_char_index(ord(one)))
    except (OSError, RuntimeError, ValueError):
        return frozenset()
