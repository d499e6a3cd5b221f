"""How text that somebody else wrote is shown: names of files, classes, studies and parameters, and messages about them.

A terminal obeys escape sequences, and a spreadsheet runs formulas, whoever wrote them. So whatever leaves for a person
goes through here; what leaves for a program is JSON, and exact.
"""

import json
import logging
import re
import unicodedata
from typing import Any

_JOINERS = "\u200c\u200d"  # invisible, and part of how some scripts and emoji are written
_HIDDEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}  # controls, formatting such as of direction, half characters, line ends
_FORMULA = tuple("=+-@\t\r")  # what a cell of a formula begins with, in one spreadsheet or another


def visible(text: str) -> str:
    r"""`text` in one line, each character that would not be seen by its number.

    >>> visible("a\x1b[2J\n\u202eb")
    'a\\x1b[2J\\n\\u202eb'
    """
    if text.isprintable():
        return text
    return "".join(map(_shown, text))


def message(text: str) -> str:
    r"""A text of ours in several lines: all but the first are indented, so that none can be taken for another text.

    >>> message("no such file\n  give another\nerror: forged")
    'no such file\n  give another\n  error: forged'
    """
    first, *others = map(visible, text.split("\n"))
    return "\n".join([first, *(line if line.startswith("  ") else f"  {line}" for line in others)])


def cell(value: Any) -> Any:
    """A cell of a CSV file: text in one line, behind an apostrophe where it would be a formula; the rest as it is."""
    if not isinstance(value, str):
        return value
    return f"'{visible(value)}" if value.startswith(_FORMULA) else visible(value)


def json_text(value: Any) -> str:
    """`value` as JSON in one line, exactly, with every character that is not seen by its number."""
    return re.sub(r"[^ -~]", lambda sign: _in_json(sign[0]), json.dumps(value, ensure_ascii=False, allow_nan=False))


class LogFormatter(logging.Formatter):
    """Lines of a log, each entry in one."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 (the name is Python's)
        """What the entry says; a traceback follows in lines of its own."""
        return visible(super().formatMessage(record))


def _is_hidden(sign: str) -> bool:
    return unicodedata.category(sign) in _HIDDEN and sign not in _JOINERS


def _shown(sign: str) -> str:
    return sign.encode("unicode_escape").decode() if _is_hidden(sign) else sign


def _in_json(sign: str) -> str:
    return json.dumps(sign)[1:-1] if _is_hidden(sign) else sign


def value_text(value: Any) -> str:
    """A value of YAML or JSON as a message shows it: short, on one line."""
    if isinstance(value, dict):
        text = "{" + ", ".join(f"{key}: {value_text(entry)}" for key, entry in value.items()) + "}"
    elif isinstance(value, list):
        text = "[" + ", ".join(map(value_text, value)) + "]"
    elif value is None or isinstance(value, bool):
        text = {None: "null", True: "true", False: "false"}[value]
    else:
        text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
