"""docs/imbalance.md: its commands work on unequal classes, what it says of the settings is so."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hpo.training.config import TrialConfig
from PIL import Image

from .conftest import Reader

GUIDE = "imbalance.md"


def write_welds(root: Path) -> None:
    """240 noisy pictures without and 30 with a thin dark line."""
    random = np.random.default_rng(0)
    for number in range(270):
        cracked = number % 9 == 0
        image = random.normal(150, 25, (16, 16))
        if cracked:
            image[:, int(random.integers(3, 13))] -= 70
        folder = root / ("cracked" if cracked else "sound")
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image.clip(0, 255).astype(np.uint8)).save(folder / f"{number:03}.png")


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_guide_works_as_written(reader: Reader) -> None:
    write_welds(reader.directory / "welds")
    seen, _, shown = reader.follow(GUIDE)
    advice = "The classes are unequal (sound has 192 training images, cracked has 24)"
    assert advice in seen
    assert "--set loss.class_weights=inverse" in seen
    assert "val_balanced_accuracy" in shown
    best = {
        name: json.loads((reader.directory / name / "result.json").read_text())["best"]["metrics"]
        for name in ("plain", "weighed", "drawn")
    }
    assert all(0.5 <= metrics["val_balanced_accuracy"] <= 1 for metrics in best.values())


def test_the_tables_name_settings_that_there_are(text_of: Callable[[str], str]) -> None:
    text = text_of(GUIDE)
    table = text.split("## What can be done")[1].split("Weights are scaled")[0]
    named = re.findall(r"`((?:loss|sampling)\.\w+)(?:: ([\w.]+))?`", table)
    assert len(named) >= 8
    for key, value in named:
        section, field = key.split(".")
        known = TrialConfig.model_fields[section].annotation
        assert known is not None
        assert field in known.model_fields
        if value:
            typed = float(value) if re.match(r"[\d.]+$", value) else value
            TrialConfig.model_validate({section: {field: typed}})
    for metric in re.findall(r"^\| `(val_\w+)` \|", text, re.MULTILINE):
        TrialConfig.model_validate({"objective": {"metric": metric}})
