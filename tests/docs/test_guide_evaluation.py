"""docs/evaluation.md: its commands and scripts run, and what they leave is what it says."""

import csv
import json
import re
from collections.abc import Callable

import pytest

from .conftest import Reader

GUIDE = "evaluation.md"


@pytest.mark.slow
def test_the_guide_works_as_written(reader: Reader, text_of: Callable[[str], str]) -> None:
    outputs = reader.follow(GUIDE)
    here = reader.directory
    found = json.loads((here / "first-try.json").read_text())
    keys = re.findall(r"^\| (`.*?) \|", text_of(GUIDE).split("What is measured")[1].split("## ")[0], re.MULTILINE)
    assert set(re.findall(r"`(\w+)`", " ".join(keys))) <= found.keys()
    assert (here / "report.html").read_text() == (
        here / "runs" / "digits" / "export" / "evaluation" / "test" / "evaluation.html"
    ).read_text()
    assert len((here / "runs" / "digits" / "test_openings.jsonl").read_text().splitlines()) == 2
    answers = json.loads((here / "answers.json").read_text())
    assert [answer["class"] for answer in answers["predictions"]] == ["7", "3"]
    assert (answers["files"], answers["failed"]) == (2, 0)
    rows = list(csv.DictReader((here / "answers.csv").read_text().splitlines()))
    assert [(row["path"], row["class"]) for row in rows] == [
        ("new/3.png", "3"),
        ("new/7.png", "7"),
        ("new/notes.txt", ""),
    ]
    assert rows[2]["error"] == "text, not an image"
    lines = [json.loads(line) for line in (here / "answers.jsonl").read_text().splitlines()]
    assert [line["path"] for line in lines] == ["new/3.png", "new/7.png", "new/notes.txt"]
    assert re.search(r"accuracy 0\.\d+, 95 %", outputs[-2])
    assert outputs[-1].splitlines()[-1] == "(2, 10)"
