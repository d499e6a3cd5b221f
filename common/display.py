"""Display of text that somebody else wrote, safe in terminals and spreadsheets.

Such as the names of files, classes, studies and parameters, and messages about them.

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
    r"""Return `text` on one line, with unseen characters by their numbers.

    >>> visible("a\x1b[2J\n\u202eb")
    'a\\x1b[2J\\n\\u202eb'
    """
    if text.isprintable():
        return text
    return "".join(map(_shown, text))


def message(text: str) -> str:
    r"""Return a message of several lines, with all but the first indented.

    So none of them can be taken for another message.

    >>> message("no such file\n  give another\nerror: forged")
    'no such file\n  give another\n  error: forged'
    """
    first, *others = map(visible, text.split("\n"))
    return "\n".join([first, *(line if line.startswith("  ") else f"  {line}" for line in others)])


def cell(value: Any) -> Any:
    """Return a cell of a CSV file that no spreadsheet runs.

    Text is on one line, behind an apostrophe where it would be a formula; other values are as they are.
    """
    if not isinstance(value, str):
        return value
    return f"'{visible(value)}" if value.startswith(_FORMULA) else visible(value)


def json_text(value: Any) -> str:
    """Return `value` as JSON on one line, exactly.

    Every character that is not seen is given by its number.
    """
    return re.sub(r"[^ -~]", lambda sign: _in_json(sign[0]), json.dumps(value, ensure_ascii=False, allow_nan=False))


class LogFormatter(logging.Formatter):
    """A formatter that keeps each log entry on one line."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 (the name is Python's)
        """Return the text of the entry.

        A traceback follows in lines of its own.
        """
        return visible(super().formatMessage(record))


def _is_hidden(sign: str) -> bool:
    return unicodedata.category(sign) in _HIDDEN and sign not in _JOINERS


def _shown(sign: str) -> str:
    return sign.encode("unicode_escape").decode() if _is_hidden(sign) else sign


def _in_json(sign: str) -> str:
    return json.dumps(sign)[1:-1] if _is_hidden(sign) else sign


def value_text(value: Any) -> str:
    """Return a value of YAML or JSON as a message shows it.

    Short, on one line.
    """
    if isinstance(value, dict):
        text = "{" + ", ".join(f"{key}: {value_text(entry)}" for key, entry in value.items()) + "}"
    elif isinstance(value, list):
        text = "[" + ", ".join(map(value_text, value)) + "]"
    elif value is None or isinstance(value, bool):
        text = {None: "null", True: "true", False: "false"}[value]
    else:
        text = repr(value)
    # half a line of 120, so that law and value fit on one
    return text if len(text) <= 60 else text[:57] + "..."
