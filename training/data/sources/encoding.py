"""The text of a table in whichever encoding it is.

UTF-8 first, or UTF-16 with its mark. Else the encodings of Windows are tried: of the readings that can be, the one
under which the table names files that are there; else the one that reads well in a language of its encoding
(alphabets.py). `data.encoding` says it where this does not tell, and nothing is guessed then.

A detector by the statistics of long texts does not fit a few class names: benchmarks/table_encodings.py has the share
of tables that charset-normalizer reads wrong, without a word, beside ours.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from ....errors import DataError
from .alphabets import ENCODINGS, how_well

NAMES = {
    "gb18030": "GB18030 (GBK)",
    "cp950": "Big5",
    "cp932": "Shift-JIS",
    "cp949": "EUC-KR",
    **{encoding: f"Windows-{encoding[2:]}" for encoding in ENCODINGS if encoding.startswith("cp125")},
}
_TWO_BYTES = ("gb18030", "cp950", "cp932", "cp949")
_MARKS = ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))  # of UTF-16, which Excel calls "Unicode text"
_ALL_MARKS = (b"\xef\xbb\xbf", *(mark for mark, _ in _MARKS))
_CELL = re.compile(rb'[^,;\t\r\n"]*[\x80-\xff][^,;\t\r\n"]*')  # none of these bytes is part of a longer character
# different cells from which an encoding is judged, and cells that are looked up as file names: each costs a look at the
# disk
_LOOKED_AT, _NAMED = 2000, 200

IsName = Callable[[str], bool]


def decoded(path: Path, content: bytes, encoding: str | None, is_name: IsName) -> tuple[str, tuple[str, ...]]:
    """Return the text of the file `path`, and notes on its encoding.

    `encoding` is what the user says of it. `is_name` says whether there is a file of that name.

    Raises:
        DataError: it is no text, it is not in `encoding`, or it cannot be told what it is in.
    """
    if encoding:
        return _as_configured(path, content, encoding), (f"{path.name} was read as {encoding} (data.encoding)",)
    marked = next((name for mark, name in _MARKS if content.startswith(mark)), "utf-8-sig")
    candidates = ENCODINGS
    try:
        text = _text(path, content.decode(marked))
        if content.startswith(_ALL_MARKS) or not _may_be_chance(text):
            return text, ()
        candidates = ("utf-8", *_TWO_BYTES)
    except UnicodeDecodeError:
        pass
    chosen, why = _choose(path, content, candidates, is_name)
    notes = () if chosen == "utf-8" else (f"{path.name} is not UTF-8; it was read as {NAMES[chosen]}{why}",)
    return _text(path, content.decode(chosen)), notes


def _may_be_chance(text: str) -> bool:
    """Whether bytes may be UTF-8 by chance, as 猫 in GBK is è.

    Latin letters of two bytes, with none of a to z beside. Longer words, and the letters of other scripts, are no
    chance.
    """
    words = [word for word in re.findall(r"[^\W\d_]+", text) if not word.isascii()]
    return bool(words) and all("\x80" <= sign <= "\u024f" for word in words for sign in word)


def _as_configured(path: Path, content: bytes, encoding: str) -> str:
    try:
        return _text(path, content.decode(encoding).removeprefix("\ufeff"))
    except UnicodeError as error:
        line = content[: error.start].count(b"\n") + 1 if isinstance(error, UnicodeDecodeError) else 1
        position = f"{path}:{line}"
        raise DataError(
            f"data.encoding: {position}: its bytes are not {encoding}; leave it out to have it found"
        ) from error


def _text(path: Path, text: str) -> str:
    if "\0" in text:
        raise DataError(f"data: {path} is not a text file; save the table as CSV in UTF-8")
    return text


def _choose(path: Path, content: bytes, candidates: Sequence[str], is_name: IsName) -> tuple[str, str]:
    """Return the encoding that `content` is in, and why in words.

    One of `candidates`; "" where its letters alone say so.
    """
    cells = list(dict.fromkeys(cell.strip() for cell in _CELL.findall(content)))[:_LOOKED_AT]
    readings = {encoding: read for encoding in candidates if (read := _read(content, cells, encoding)) is not None}
    named = _best({encoding: sum(map(is_name, read[:_NAMED])) for encoding, read in readings.items()})
    likely = named or _best({encoding: _quality(read, encoding) for encoding, read in readings.items()})
    different = {readings[encoding]: encoding for encoding in reversed(likely)}
    if len(different) == 1:
        return likely[0], ": so it names files that are there" if named else ""
    raise _unclear(path, content, {encoding: readings[encoding] for encoding in likely or readings})


def _quality(read: tuple[str, ...], encoding: str) -> int:
    return 2 if encoding == "utf-8" else how_well("\n".join(read), encoding)


def _read(content: bytes, cells: list[bytes], encoding: str) -> tuple[str, ...] | None:
    try:
        content.decode(encoding)
        return tuple(cell.decode(encoding) for cell in cells)
    except UnicodeDecodeError:
        return None


def _best(scores: Mapping[str, int]) -> list[str]:
    """Return the encodings of the highest score; [] where all are 0."""
    best = max(scores.values(), default=0)
    return [encoding for encoding, score in scores.items() if score == best > 0]


def _unclear(path: Path, content: bytes, readings: Mapping[str, tuple[str, ...]]) -> DataError:
    match = _CELL.search(content)
    line = content[: match.start()].count(b"\n") + 1 if match else 1
    position = f"{path}:{line}"
    if not readings:
        return DataError(
            f"data: {position}: its bytes are neither UTF-8 nor {', '.join(NAMES.values())}; save it as UTF-8"
        )
    shown = "; ".join(f"{encoding}: {read[0]}" for encoding, read in list(readings.items())[:8])
    return DataError(
        f"data: {position}: it cannot be told which encoding the text is in\n"
        f"  {shown}\n  say it with data.encoding, or save the table as CSV in UTF-8"
    )
