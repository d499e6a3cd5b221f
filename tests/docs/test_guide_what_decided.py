"""docs/what-decided.md: its commands work, and its numbers are those of the code."""

import re
from collections.abc import Callable

import pytest
from hpo.search.commands.suggest_space.choices import LEVEL
from hpo.search.commands.suggest_space.ranges import MARGIN, WIDENED
from hpo.search.configuration.space_file import SpaceFile
from hpo.spaces.load import load_space
from hpo.studies.records.effects import NEGLIGIBLE, TRIALS
from hpo.studies.records.resamples import BEST, RESAMPLES, SHARE

from .conftest import Reader

GUIDE = "what-decided.md"


@pytest.mark.slow
def test_the_guide_works_as_written(reader: Reader) -> None:
    (output,) = reader.follow(GUIDE)
    assert "what decided" in output or "never mattered" in output
    assert load_space(str(reader.directory / "next.yaml"), SpaceFile).fixed["data.max_train"] == 300


def test_its_numbers_are_those_of_the_code(text_of: Callable[[str], str]) -> None:
    text = " ".join(text_of(GUIDE).split())
    assert (SHARE, BEST, MARGIN, max(WIDENED)) == (0.1, 10, 0.1, 0.5)
    assert "a tenth of the trials, and ten at least" in text
    assert f"It takes {TRIALS} trials" in text
    assert f"less than {NEGLIGIBLE} for certain" in text
    assert f"comes from {RESAMPLES} resamples" in text
    assert f"once in {round(1 / LEVEL):,} times" in text
    assert re.search(r"a tenth of its scale on either side .* up to half of its scale", text)
