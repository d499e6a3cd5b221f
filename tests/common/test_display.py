import json
import logging

import pytest
from hpo.common.display import LogFormatter, cell, json_text, message, visible

HOSTILE = {
    "\x1b[2J": r"\x1b[2J",  # clears the screen
    "\x1b]0;owned\x07": r"\x1b]0;owned\x07",  # sets its title
    "\x9b31m": r"\x9b31m",  # the same in one character
    "a\nerror: forged": r"a\nerror: forged",
    "a\rb": r"a\rb",
    "a\u2028b": r"a\u2028b",
    "gnp\u202e.exe": r"gnp\u202e.exe",  # read from right to left
    "\udce9": r"\udce9",  # a byte of a file name that is not UTF-8
    "\u200bcat": r"\u200bcat",
    "\U000e0041": r"\U000e0041",
}


@pytest.mark.parametrize("text", HOSTILE)
def test_what_a_terminal_would_obey_is_seen(text: str) -> None:
    assert visible(text) == HOSTILE[text]


@pytest.mark.parametrize("text", ["", "cat", "größe 3", "猫", "[bold]", "[/x]", "a\\b", "👩\u200d🚀", "می\u200cخواهم"])
def test_what_people_write_stays(text: str) -> None:
    assert visible(text) == text


def test_no_line_of_a_message_can_be_taken_for_another_message() -> None:
    assert message("error: a\n  b\nerror: forged\x1b[2J") == "error: a\n  b\n  error: forged\\x1b[2J"


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\tx", "\rx"])
def test_a_cell_is_no_formula(text: str) -> None:
    assert cell(text) == f"'{visible(text)}"


@pytest.mark.parametrize("value", ["cat", "1", "a=b", -0.5, 3, ""])
def test_other_cells_stay(value: object) -> None:
    assert cell(value) == value


@pytest.mark.parametrize("text", [*HOSTILE, "猫", "a\\b"])
def test_json_is_exact_and_shows_no_controls(text: str) -> None:
    written = json_text({text: [text]})
    assert json.loads(written) == {text: [text]}
    assert written == visible(written)


def test_an_entry_of_a_log_is_one_line() -> None:
    record = logging.LogRecord("hpo", logging.INFO, "", 0, "kept at %s", ("a\n2026 forged\x1b[2J",), None)
    assert LogFormatter("%(name)s: %(message)s").format(record) == r"hpo: kept at a\n2026 forged\x1b[2J"
