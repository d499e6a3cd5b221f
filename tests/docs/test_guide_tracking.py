"""docs/tracking.md: its commands and scripts run, and what they leave is where it says."""

import re
import sqlite3
from collections.abc import Callable
from contextlib import closing

import pytest

from .conftest import Reader

GUIDE = "tracking.md"


@pytest.mark.slow
def test_the_guide_works_as_written(beginner: Reader, text_of: Callable[[str], str]) -> None:
    outputs = beginner.follow(GUIDE)
    assert any(len(re.findall(r"^champion: \d 10$", output, re.MULTILINE)) == 2 for output in outputs)
    home = beginner.directory / "runs"
    places = re.findall(r"^\| (`.*?) \|", text_of(GUIDE).split("## In MLflow")[0], re.MULTILINE)
    for name in re.findall(r"`([^`]+)`", " ".join(places)):
        path = name.replace("<study>/", "digits/").replace("<n>", "0").replace("...", "trials/0")
        assert (home / path).exists() or (home / "digits" / path).exists(), name
    with closing(sqlite3.connect(beginner.directory / "team.db")) as team:  # it was sent the trials of before, too
        assert team.execute("select count(*) from tags where key = 'trial'").fetchone() == (4,)
    assert not (home / "fast" / "spool.jsonl").exists()
