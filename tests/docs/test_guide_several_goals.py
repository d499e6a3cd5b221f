"""docs/several-goals.md: its commands work, and show a front and broken limits."""

import json
import re
from collections.abc import Callable

import pytest
from hpo.training.constraints import ConstraintsConfig
from hpo.training.metric_names import COSTS

from .conftest import Reader

GUIDE = "several-goals.md"


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_guide_works_as_written(reader: Reader) -> None:
    limited, searched, export = reader.follow(GUIDE)
    assert "best val_accuracy" in limited
    assert "breaks params_m" in limited
    assert re.search(r"front of \d+ trials? by val_accuracy, onnx_latency_ms", searched)
    assert "maximize val_accuracy, minimize onnx_latency_ms" in searched
    front = [line.split() for line in searched.splitlines() if re.match(r"  \d\.\d{4}, \d", line)]
    fastest = min(front, key=lambda words: float(words[1]))
    assert json.loads(export)["trial"] == int(fastest[3])


def test_the_page_names_every_cost_and_limit(text_of: Callable[[str], str]) -> None:
    text = text_of(GUIDE)
    assert all(f"`{name}`" in text for name in COSTS)
    limits = [name for name in ConstraintsConfig.model_fields if not name.startswith("val_")]
    assert all(f"| `{name}` |" in text for name in limits)
