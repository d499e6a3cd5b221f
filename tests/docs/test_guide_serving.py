"""docs/serving.md: its commands run and get the answer, and it names every option that it relies on."""

import json
from collections.abc import Callable

import pytest

from .conftest import Reader

GUIDE = "serving.md"


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_guide_works_as_written(reader: Reader) -> None:
    _, asked = reader.follow(GUIDE)
    form, rest = json.JSONDecoder().raw_decode(asked)
    assert form["model"] == "digits"
    assert len(form["predictions"][0]["probabilities"]) == 10
    bare, end = json.JSONDecoder().raw_decode(asked[rest:])
    assert len(bare["predictions"][0]["probabilities"]) == 2
    assert bare["predictions"][0]["class"] == form["predictions"][0]["class"]
    assert 'arm="champion"' in asked[rest + end :]


def test_the_statuses_of_the_guide_are_those_of_the_code(text_of: Callable[[str], str]) -> None:
    from hpo.serving.predict_route import refusals

    assert all(f"{status} " in text_of(GUIDE) for status in refusals())
