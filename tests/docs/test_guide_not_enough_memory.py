"""docs/not-enough-memory.md: its commands run, its table names settings that there are."""

import json
import re
from collections.abc import Callable

import pytest
from hpo.training.config import TrialConfig

from .conftest import Reader

GUIDE = "not-enough-memory.md"


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_guide_works_as_written(reader: Reader) -> None:
    reader.follow(GUIDE)
    configs = {name: json.loads((reader.directory / name / "config.json").read_text()) for name in "abcde"}
    results = {name: json.loads((reader.directory / name / "result.json").read_text()) for name in "abcde"}
    assert {result["status"] for result in results.values()} == {"finished"}
    assert '"micro_batch": 16' in json.dumps(configs["a"])
    assert '"checkpoint_activations": true' in json.dumps(configs["b"])


def test_the_table_names_settings_that_there_are(text_of: Callable[[str], str]) -> None:
    table = text_of(GUIDE).split("| setting |")[1].split("A custom model")[0]
    keys = {
        key for row in re.findall(r"^\| (`.*?`) \|", table, re.MULTILINE) for key in re.findall(r"`(\w+\.\w+)", row)
    }
    tree = TrialConfig.model_validate({"model": {"name": "resnet"}}).model_dump()
    assert len(keys) >= 9
    for section, field in (key.split(".") for key in keys):
        assert field in tree[section]
