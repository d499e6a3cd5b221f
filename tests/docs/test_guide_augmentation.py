"""docs/augmentation.md: its example runs, and its table is the configuration's."""

import re
from collections.abc import Callable

import pytest
from hpo.training.augment.config import AugmentConfig

from .conftest import Reader

GUIDE = "augmentation.md"


@pytest.mark.slow
def test_the_guide_works_as_written(reader: Reader) -> None:
    outputs = reader.follow(GUIDE)
    assert any("augment.rotation" in output for output in outputs)
    assert (reader.directory / "run" / "result.json").exists()


def test_the_table_names_every_field_with_its_default(text_of: Callable[[str], str]) -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| ([\w.]+) \| ", text_of(GUIDE), re.MULTILINE))
    defaults = AugmentConfig().model_dump()
    assert rows == {key: str(value).lower() for key, value in defaults.items()}


def test_every_paper_of_the_configuration_is_named(text_of: Callable[[str], str]) -> None:
    described = " ".join(field.description or "" for field in AugmentConfig.model_fields.values())
    papers = re.findall(r"arXiv:[\d.]+\d", described)
    assert papers
    assert all(paper in text_of(GUIDE) for paper in papers)
