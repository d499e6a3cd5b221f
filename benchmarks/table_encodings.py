"""Guesses of a table's encoding: ours beside charset-normalizer.

Which is given the same encodings.

Tables of a few names and of many, one name a line below a header, as Excel and editors of a language's Windows write
them. The names are those of countries in Unicode's CLDR (from the package babel): nothing in training/data/sources was
made by them. Right is the text that was written; asked is an error that lists the readings; wrong is another text, told
as if it were right.
"""

import random
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from harness import Target, arguments, finish
from hpo.errors import DataError
from hpo.training.data.sources.encoding import ENCODINGS, decoded

LANGUAGES = {
    "zh_Hans": "gb18030", "zh_Hant": "cp950", "ja": "cp932", "ko": "cp949", "ru": "cp1251", "uk": "cp1251",
    "pl": "cp1250", "cs": "cp1250", "hu": "cp1250", "fr": "cp1252", "de": "cp1252", "es": "cp1252", "pt": "cp1252",
    "sv": "cp1252", "el": "cp1253", "tr": "cp1254", "he": "cp1255", "ar": "cp1256", "lt": "cp1257",
}  # fmt: skip
SIZES = (2, 5, 20)  # names in a table


def names(language: str, encoding: str) -> list[str]:
    """Return the countries' names in `language` that `encoding` can write."""
    from babel import Locale

    territories = Locale.parse(language).territories
    return sorted({name for code, name in territories.items() if len(code) == 2 and _fits(name, encoding)})


def _fits(name: str, encoding: str) -> bool:
    try:
        return name.encode(encoding).decode(encoding) == name and "," not in name
    except UnicodeEncodeError:
        return False


def ours(content: bytes) -> str:
    """Read a table by `decoded`; "" where it asks."""
    try:
        return decoded(Path("labels.csv"), content, None, lambda name: False)[0]
    except DataError:
        return ""


def peer(content: bytes) -> str:
    """Read a table by charset-normalizer; "" where it finds nothing."""
    from charset_normalizer import from_bytes

    best = from_bytes(content, cp_isolation=["utf_8", *ENCODINGS]).best()
    return "" if best is None else str(best)


def outcomes(read: Callable[[bytes], str], texts: list[str], encoding: str) -> Counter[str]:
    """Count the `texts` that are right, wrong or asked about."""
    readings = ((read(text.encode(encoding)), text) for text in texts)
    return Counter("asked" if not reading else "right" if reading == text else "wrong" for reading, text in readings)


def drawn(language: str, encoding: str, size: int, draws: int) -> list[str]:
    """Draw tables with `size` names each, as texts.

    At least one name is not ASCII.
    """
    # seeded by the case: a language more does not change the tables of another
    draw = random.Random(f"{language} {size}")
    every = names(language, encoding)
    tables: list[str] = []
    while len(tables) < draws:
        chosen = draw.sample(every, size)
        if not all(name.isascii() for name in chosen):
            tables.append("\n".join(("label", *chosen, "")))
    return tables


def measured(draws: int) -> Iterator[tuple[str, int, Counter[str], Counter[str]]]:
    """Yield the outcomes of ours and the peer per language and size."""
    for language, encoding in LANGUAGES.items():
        for size in SIZES:
            texts = drawn(language, encoding, size, draws)
            yield language, size, outcomes(ours, texts, encoding), outcomes(peer, texts, encoding)


def main() -> None:
    """Read the tables both ways."""
    parser = arguments("table_encodings", __doc__ or "")
    parser.add_argument("--draws", type=int, default=50, help="tables per language and size (default 50)")
    options = parser.parse_args()
    results = list(measured(2 if options.quick else options.draws))
    rows = []
    totals: dict[int, tuple[Counter[str], Counter[str]]] = {size: (Counter(), Counter()) for size in SIZES}
    for language, size, own, other in results:
        totals[size][0].update(own)
        totals[size][1].update(other)
        rows.append({"language": language, "names": str(size), "ours": _text(own), "charset-normalizer": _text(other)})
    for size, (own, other) in totals.items():
        rows.append({"language": "all", "names": str(size), "ours": _text(own), "charset-normalizer": _text(other)})
    wrong = [sum(counts[number]["wrong"] for counts in totals.values()) for number in (0, 1)]
    every = sum(own.total() for own, _ in totals.values())
    targets = [Target("share of tables that ours reads wrong", wrong[0] / every, 0.02, at_most=True)]
    targets.append(Target("share that charset-normalizer reads wrong, by ours", wrong[1] / max(wrong[0], 1), 5))
    title = "Tables of class names: right / asked / wrong"
    finish(options, title, rows, targets, {"totals": {size: [*map(dict, both)] for size, both in totals.items()}})


def _text(counts: Counter[str]) -> str:
    return " / ".join(str(counts[kind]) for kind in ("right", "asked", "wrong"))


if __name__ == "__main__":
    try:
        import babel  # noqa: F401
    except ImportError:
        sys.exit("babel is missing; pip install babel")
    main()
