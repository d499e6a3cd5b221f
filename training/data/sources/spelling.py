"""Comparison of names in Unicode's composed form (NFC).

Names are compared so whichever form a file system or a program wrote. What differs in more than that is told apart, and
noted where it may be one: `Cat` and `cat`, `1`, `01` and `1.0`.

"é" is one character there (U+00E9), and two in the decomposed form (NFD: e, U+0301) that macOS gives file names. Both
look the same. Files are opened by the name that they have.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator
from decimal import Decimal
from pathlib import Path

from .base import listed, shown

_NUMBER = re.compile(r"[+-]?\d+(\.\d*)?", re.ASCII)


def nfc(name: str) -> str:
    """Return `name` in Unicode's composed form."""
    return unicodedata.normalize("NFC", name)


def on_disk(path: Path) -> Path:
    """Return `path` as the file system spells it.

    Where that differs in the Unicode form alone; else as it is.
    """
    if path.exists() or path.parent == path:
        return path
    parent = on_disk(path.parent)
    if not path.name.isascii() and parent.is_dir():
        return next((other for other in sorted(parent.iterdir()) if nfc(other.name) == nfc(path.name)), path)
    return parent / path.name


def spelling_notes(names: Iterable[str], what: str) -> Iterator[str]:
    """Yield sentences on names that may be two spellings of one.

    `names`, of `what` ("class"), that are not in NFC, in several forms, or nearly the same.
    """
    forms = defaultdict(set)
    for name in names:
        forms[nfc(name)].add(name)
    several = [" = ".join(map(ascii, sorted(forms[name]))) for name in sorted(forms) if len(forms[name]) > 1]
    if several:
        yield f"one {what}, written in two Unicode forms, NFC is kept: {listed(several)}"
    decomposed = [f"{shown(name)} ({form!a})" for name in sorted(forms) for form in forms[name] - {name}]
    if decomposed and not several:
        yield f"{what} names are not in Unicode's NFC and were brought into it: {listed(decomposed)}"
    alike = defaultdict(set)
    for name in forms:
        alike[_likeness(name)].add(name)
    if pairs := [" = ".join(sorted(names)) for names in alike.values() if len(names) > 1]:
        sentence = f"{what} names that differ only in case, or in how a number is written, are told apart"
        yield f"{sentence}: {listed(sorted(pairs))}"


def _likeness(name: str) -> Decimal | str:
    """Return a key equal for names that may well mean the same."""
    return Decimal(name) if _NUMBER.fullmatch(name) else name.casefold()
