"""docs/report.md: its commands run, and its table names the sections that there are."""

import json
import re
from collections.abc import Callable

import pytest

from .conftest import Reader

GUIDE = "report.md"


@pytest.mark.slow
def test_the_guide_works_as_written(reader: Reader, text_of: Callable[[str], str]) -> None:
    outputs = reader.follow(GUIDE)
    page = (reader.directory / "deep.html").read_text()
    titles = set(re.findall(r"<h2>([^<]+)</h2>", page))
    told = set(re.findall(r"^\| ([A-Z][^|]+?) \|", text_of(GUIDE), re.MULTILINE))
    assert {"What came out", "The winner", "Learning curves", "How to do it again"} <= titles <= told
    compared = json.loads((reader.directory / "compared.json").read_text())
    assert compared["same_data"] is True
    assert compared["test"]["images"] == 180
    assert "model.width" in {change["key"] for change in compared["space_changes"]}
    assert "test accuracy differs by" in "".join(outputs)
