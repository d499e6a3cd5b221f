"""docs/plan.md: its commands run, and what the page promises is in what they print."""

import re
from collections.abc import Callable

import pytest
from hpo.search.commands.plan import forecast, measure, sample, timed

from .conftest import Reader

GUIDE = "plan.md"


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_guide_works_as_written(beginner: Reader, text_of: Callable[[str], str]) -> None:
    first, hyperband = beginner.follow(GUIDE)
    rows = re.findall(r"^\| (`.*?) \|", text_of(GUIDE), re.MULTILINE)
    for name in re.findall(r"`([^`]+)`", " ".join(rows)):
        assert re.search(rf"^ ?(an epoch, )?{name}\b", first, re.MULTILINE), name
    assert "2 workers" in first
    assert "-> hyperband shares 6 trials among 3 brackets" in hyperband
    assert not (beginner.directory / "runs" / "studies.db").exists()


def test_it_has_the_numbers_of_the_code(text_of: Callable[[str], str]) -> None:
    text = " ".join(text_of(GUIDE).split())
    assert f"among the first {sample.DRAWN} that the search would draw" in text
    assert len(timed.SHARES) == 5
    assert f"a correlation of {forecast.FORETOLD}" in text
    assert f"a little better ({forecast.COST_TELLS})" in text
    assert sample.UNLEARNED == 8
    assert f"nearly as good ({forecast.ALIKE}, as on recorded tables)" in text
    assert measure.MOST_S == 6
