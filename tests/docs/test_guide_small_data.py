"""docs/small-data.md: its commands work as they stand, and give what it says."""

import json

import pytest

from .conftest import Reader

GUIDE = "small-data.md"


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_guide_works_as_written(reader: Reader) -> None:
    shown, _, trained, estimated = reader.follow(GUIDE)
    assert "val_accuracy of the last epoch, mean over 5 folds; " in shown
    assert "strategy rungs, sampler forest, the best 1/4 go on after folds 1 and 4; " in shown
    assert "±" in shown
    manifest = json.loads((reader.directory / "runs" / "small" / "export" / "manifest.json").read_text())
    assert manifest["training"]["images"] == manifest["calibration"]["images"] == 100
    assert "means over 5 folds, of epoch 2: " in trained
    assert "small-test-1-of-2" in estimated
    assert "a search is worth 0." in estimated
