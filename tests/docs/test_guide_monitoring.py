"""docs/monitoring.md: a changed world gives an alarm, and feedback an accuracy."""

import json
import os
import re
import signal
from collections.abc import Callable
from contextlib import suppress

import pytest

from .conftest import Reader

GUIDE = "monitoring.md"


@pytest.mark.slow
def test_the_guide_works_as_written(reader: Reader, text_of: Callable[[str], str]) -> None:
    try:
        outputs = reader.follow(GUIDE)
    finally:
        with suppress(OSError, ValueError):  # it has ended where the guide came to its end
            os.kill(int((reader.directory / "serve.pid").read_text()), signal.SIGTERM)
    seen = next(output for output in outputs if output.count("study digits, model") == 2)
    before, after = seen.split("study digits, model")[1:]
    assert "no drift alarms" in before
    assert "to search again on new images: hpo run --space" in after
    assert '{"kept":300,"known":300}' in outputs[-2]
    report = json.loads((reader.directory / "report.json").read_text())
    assert report["counts"]["total"] == 600
    assert report["feedback"]["count"] == 300
    assert report["alarms"]
    keys = re.findall(r"`(\w+)(?:\.\w+)?`", "".join(re.findall(r"^\| (`.*?) \|", text_of(GUIDE), re.MULTILINE)))
    assert set(keys) - {"key"} <= set(report)
