"""docs/a-run-that-does-not-learn.md: its commands run and say what it says they do; its tables are whole."""

import re
from collections.abc import Callable

import pytest
from hpo.training.diagnosis.registry import CHECKS
from hpo.training.report import VerdictKind

from .conftest import Reader

GUIDE = "a-run-that-does-not-learn.md"


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_guide_works_as_written(reader: Reader) -> None:
    ill, cause, rates, well, _ = reader.follow(GUIDE)
    assert "verdict: exploding" in ill
    assert "hpo diagnose" in ill
    assert "verdict: healthy" in well
    assert "verdict on the run: exploding" in cause
    assert "conclusion: optimizer.lr 3 is" in cause
    assert "try: hpo train --space" in cause
    assert "<svg" in (reader.directory / "ill.html").read_text()
    assert re.search(r"worth searching:  --set 'optimizer\.lr=\{low: [\d.e-]+, high: [\d.e-]+, log: true\}'", rates)


def test_the_tables_are_whole(text_of: Callable[[str], str]) -> None:
    named = re.findall(r"^\| `([a-z_ ]+)` \|", text_of(GUIDE), re.MULTILINE)
    assert named == [*(kind.value for kind in VerdictKind), *CHECKS]
