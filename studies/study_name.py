"""The laws of a study's name.

It is the name of its folder in the home, on every system that the home may be copied to.
"""

import os
import re

OWN_NAMES = ("artifacts", "cache", "mlartifacts", "mlflow.db", "served", "studies.db", "train")
"""What lies in a home beside the folders of studies; the databases have files beside them (-wal, .lock) as well."""

_DATABASES = ("mlflow.db", "studies.db")
_DEVICES = {"aux", "con", "nul", "prn", *(f"{port}{number}" for port in ("com", "lpt") for number in range(10))}
_LONGEST = 200  # bytes; file systems allow 255, of which temporary names take some
_MESSAGE_LONGEST, _MESSAGE_KEPT = 60, 50  # characters of a refused name in a message, so that it stays one line


def is_study_name(name: str) -> bool:
    r"""Whether a study may be called `name`.

    >>> is_study_name("größe 3"), is_study_name("../x"), is_study_name("cache"), is_study_name("a\nb")
    (True, False, False, False)
    """
    return not _broken_law(name)


def refusal(name: str) -> str:
    """The law that `name` breaks, with a valid name; "" for none.

    >>> refusal("Cache")
    "must not be one of the home's own (artifacts, cache, ...), got 'Cache'; try 'study-Cache'"
    """
    law = _broken_law(name)
    return law and f"must {law}, got {_short(name)}; try {nearest_name(name)!r}"


def nearest_name(name: str) -> str:
    """A valid name, as like `name` as can be."""
    signs = "".join(sign if sign.isprintable() and sign != "/" else "-" for sign in name)
    # cut by bytes, which may split a letter: `ignore` drops its rest
    kept = re.sub(r"^[\W_]+", "", signs).encode()[: _LONGEST - len("study-")].decode(errors="ignore").rstrip(". ")
    return kept if kept and is_study_name(kept) else f"study-{kept}".rstrip("-")


def _broken_law(name: str) -> str:
    """The law that `name` breaks, after "must"; "" for none."""
    folded = name.casefold()  # many file systems do not tell `Cache` from `cache`
    begins = name[:1].isalnum() or name[:1] == "_"
    if not begins or not name.isprintable() or "/" in name:
        return "begin with a letter or digit and hold no slash and nothing invisible"
    if name.endswith((".", " ")):
        return "not end in a dot or space"
    if len(os.fsencode(name)) > _LONGEST:
        return f"have at most {_LONGEST} bytes in UTF-8"
    if folded in OWN_NAMES or folded.startswith(_DATABASES):
        return "not be one of the home's own (artifacts, cache, ...)"
    if folded.partition(".")[0].rstrip() in _DEVICES:
        return "not be one that Windows keeps for a device (con, nul, ...)"
    return ""


def _short(name: str) -> str:
    quoted = repr(name)
    if len(quoted) <= _MESSAGE_LONGEST:
        return quoted
    return f"{quoted[:_MESSAGE_KEPT]}...{quoted[-1]} ({len(os.fsencode(name))} bytes)"
